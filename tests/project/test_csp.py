"""The policy: every page has it, and it allows our own files only."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from project.csp import POLICY, TRUSTED_TYPES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_root")]


@pytest.mark.parametrize("path", ["/", "/minimal/", "/accounts/login/", "/nowhere/", "/admin-nowhere/"])
def test_every_page_has_the_policy(client: Client, owner: User, path: str) -> None:
    client.force_login(owner)
    page: Any = client.get(path)
    assert page.headers["Content-Security-Policy"] == f"{POLICY}; {TRUSTED_TYPES}"


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/"])
def test_the_admin_may_put_its_own_strings_into_the_page(client: Client, owner: User, path: str) -> None:
    client.force_login(owner)
    page: Any = client.get(path)
    assert page.headers["Content-Security-Policy"] == POLICY


def test_the_policy_makes_no_exception() -> None:
    assert "default-src 'self'" in POLICY
    assert not re.search(r"unsafe-|\*|https?:", POLICY)
    assert TRUSTED_TYPES == "require-trusted-types-for 'script'; trusted-types offline-worker"


@pytest.mark.parametrize("path", ["/", "/minimal/", "/accounts/login/"])
def test_no_page_contains_what_the_policy_forbids(client: Client, owner: User, path: str) -> None:
    client.force_login(owner)
    html = client.get(path).content.decode()
    scripts = re.findall(r"<script\b([^>]*)>", html)
    assert all("src=" in script or 'type="application/json"' in script for script in scripts)
    assert not re.search(r"<style\b|\sstyle=|\son[a-z]+=|javascript:", html)

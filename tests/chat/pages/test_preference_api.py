"""Preferences: the settings of one person's new conversations, validated as those of a question."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from chat.protocol.commands import MAX_DEFAULT_INSTRUCTIONS_CHARS
from chat.responses.model_catalog import DEMO
from tests.chat.pages.test_conversation_api import refusal
from tests.chat.pages.test_views import page_data

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_root")]

ALL = {
    "model": DEMO,
    "instructions": "Be brief.",
    "temperature": 0.5,
    "max_output_tokens": 100,
    "reasoning": {"effort": "low"},
}


@pytest.fixture
def browser(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def change(browser: Client, **fields: Any) -> Any:
    return browser.patch(reverse("preferences"), json.dumps(fields), "application/json")


def test_they_are_kept_changed_and_removed_field_by_field(browser: Client) -> None:
    assert browser.get(reverse("preferences")).json() == {}
    assert change(browser, **ALL).json() == ALL
    found = change(browser, temperature=1, model=None).json()
    assert found == {name: value for name, value in ALL.items() if name != "model"} | {"temperature": 1}
    assert browser.get(reverse("preferences")).json() == found
    assert page_data(browser.get("/"))["preferences"] == found


def test_they_are_one_persons_own(browser: Client, stranger: User) -> None:
    change(browser, **ALL)
    browser.force_login(stranger)
    assert browser.get(reverse("preferences")).json() == {}
    browser.logout()
    assert refusal(browser.get(reverse("preferences"))) == (401, "unauthenticated", None)
    assert refusal(change(browser, temperature=1)) == (401, "unauthenticated", None)
    assert page_data(browser.get("/"))["preferences"] == {}


@pytest.mark.parametrize(
    ("fields", "status", "code", "param"),
    [
        ({"temperature": 2.1}, 400, "invalid_field", "temperature"),
        ({"temperature": "1"}, 400, "invalid_field", "temperature"),
        ({"max_output_tokens": 0}, 400, "invalid_field", "max_output_tokens"),
        ({"reasoning": {"effort": "huge"}}, 400, "invalid_field", "reasoning.effort"),
        ({"reasoning": {"x": 1}}, 400, "unknown_field", "reasoning.x"),
        ({"instructions": "a" * (MAX_DEFAULT_INSTRUCTIONS_CHARS + 1)}, 400, "invalid_field", "instructions"),
        ({"instructions": "a\0"}, 400, "invalid_field", "instructions"),
        ({"model": "none"}, 404, "model_not_found", "model"),
        ({"color": "red"}, 400, "unknown_field", "color"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_changed(
    browser: Client, fields: dict[str, Any], status: int, code: str, param: str
) -> None:
    change(browser, **ALL)
    assert refusal(change(browser, **{"instructions": "Other."} | fields)) == (status, code, param)
    assert browser.get(reverse("preferences")).json() == ALL


def test_the_longest_instructions_are_kept(browser: Client) -> None:
    longest = "🌊" * MAX_DEFAULT_INSTRUCTIONS_CHARS
    assert change(browser, instructions=longest).json() == {"instructions": longest}


def test_a_change_needs_the_token_of_our_pages(owner: User) -> None:
    foreign = Client(enforce_csrf_checks=True)
    foreign.force_login(owner)
    assert change(foreign, temperature=1).status_code == 403


def test_a_body_that_is_no_text_or_too_long_is_refused(browser: Client) -> None:
    path = reverse("preferences")
    assert refusal(browser.patch(path, b"\xff", "application/json")) == (400, "invalid_json", None)
    long = browser.patch(path, b"{" + b" " * 3_000_000, "application/json")
    assert refusal(long) == (413, "frame_too_large", None)

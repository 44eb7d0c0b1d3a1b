"""The session check: valid until the session or its user changes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.utils import timezone
from pytest_django import Settings

from chat.accounts.sessions import is_valid
from tests.chat.communicator import scope_of
from tests.chat.rows import on_rows

pytestmark = pytest.mark.django_db(transaction=True)

Scope = dict[str, Any]


def sign_out(scope: Scope) -> None:
    scope["session"].__class__(scope["session"].session_key).flush()


def change_password(scope: Scope) -> None:
    scope["user"].set_password("another one")
    scope["user"].save()


def deactivate(scope: Scope) -> None:
    User.objects.update(is_active=False)


def delete_user(scope: Scope) -> None:
    User.objects.all().delete()


def expire(scope: Scope) -> None:
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))


def sign_in_as_another(scope: Scope) -> None:
    other = scope_of(User.objects.create_user("other"))["session"]
    Session.objects.filter(pk=scope["session"].session_key).update(
        session_data=Session.objects.get(pk=other.session_key).session_data
    )


REVOCATIONS = [sign_out, change_password, deactivate, delete_user, expire, sign_in_as_another]


@pytest.mark.parametrize("revoke", REVOCATIONS)
async def test_a_session_is_valid_until_it_is_revoked(owner: User, revoke: Callable[[Scope], None]) -> None:
    scope = await on_rows(scope_of, owner)
    assert await is_valid(scope)
    await on_rows(revoke, scope)
    assert not await is_valid(scope)


@pytest.mark.parametrize("revoke", [change_password, deactivate])
async def test_a_session_outside_the_database_is_checked_too(
    owner: User, revoke: Callable[[Scope], None], settings: Settings
) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    scope = await on_rows(scope_of, owner)
    assert await is_valid(scope)
    await on_rows(revoke, scope)
    assert not await is_valid(scope)


def change_data(scope: Scope) -> None:
    scope["session"]["theme"] = "dark"
    scope["session"].save()


async def test_a_session_with_other_data_stays_valid(owner: User) -> None:
    scope = await on_rows(scope_of, owner)
    await on_rows(change_data, scope)
    assert await is_valid(scope)


async def test_a_socket_without_a_user_has_no_valid_session() -> None:
    assert not await is_valid({"user": AnonymousUser()})

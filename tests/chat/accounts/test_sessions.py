"""The session check: valid until the session or its user changes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
from pytest_django import Settings

from chat.accounts.guests import create_guest
from chat.accounts.sessions import KEYS_PER_QUERY, Identity, identity, valid
from tests.chat.communicator import scope_of

pytestmark = pytest.mark.django_db

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


def is_valid(scope: Scope) -> bool:
    return identity(scope) in valid([identity(scope)])


@pytest.mark.parametrize("revoke", REVOCATIONS)
def test_a_session_is_valid_until_it_is_revoked(owner: User, revoke: Callable[[Scope], None]) -> None:
    scope = scope_of(owner)
    assert is_valid(scope)
    revoke(scope)
    assert not is_valid(scope)


@pytest.mark.parametrize("revoke", [sign_out, change_password, deactivate, delete_user])
def test_a_session_outside_the_database_is_checked_too(
    owner: User, revoke: Callable[[Scope], None], settings: Settings
) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    scope = scope_of(owner)
    assert is_valid(scope)
    revoke(scope)
    assert not is_valid(scope)


def test_a_session_with_other_data_stays_valid(owner: User) -> None:
    scope = scope_of(owner)
    scope["session"]["theme"] = "dark"
    scope["session"].save()
    assert is_valid(scope)


def test_a_session_signed_with_an_earlier_key_stays_valid_and_as_it_is(
    owner: User, settings: Settings
) -> None:
    scope = scope_of(owner)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "a later key"
    assert is_valid(scope)
    assert Session.objects.get().session_key == scope["session"].session_key
    settings.SECRET_KEY_FALLBACKS = []
    assert not is_valid(scope)


def test_an_unknown_backend_has_no_valid_session(owner: User, settings: Settings) -> None:
    scope = scope_of(owner)
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]
    assert not is_valid(scope)


def test_a_guest_of_one_socket_is_valid_without_a_session_while_active() -> None:
    guest = Identity(create_guest().pk, None)
    assert valid([guest]) == {guest: None}
    User.objects.update(is_active=False)
    assert valid([guest]) == {}


def test_many_sessions_take_one_query_and_their_users_another(
    owner: User, stranger: User, django_assert_num_queries: Any
) -> None:
    scopes = [scope_of(user) for user in (owner, owner, stranger)]
    sign_out(scopes[1])
    asked = [identity(scope) for scope in scopes]
    with django_assert_num_queries(2):
        found = valid(asked)
    assert list(found) == [asked[0], asked[2]]
    assert found[asked[0]] == Session.objects.get(pk=asked[0].session_key).expire_date
    unknown = [Identity(owner.pk, str(number)) for number in range(KEYS_PER_QUERY)]
    assert list(valid([*unknown, asked[0]])) == [asked[0]]

"""Sign-in: a yes holds as long as nothing has changed that it hangs on, and no longer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from chat.accounts.sessions import is_signed_in

pytestmark = pytest.mark.django_db

Scope = dict[str, Any]


def signed_in(user: User) -> Scope:
    """The scope of a socket that the user opened with a session."""
    client = Client()
    client.force_login(user)
    return {"user": user, "session": client.session}


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
    other = signed_in(User.objects.create_user("other"))["session"]
    Session.objects.filter(pk=scope["session"].session_key).update(
        session_data=Session.objects.get(pk=other.session_key).session_data
    )


WAYS_OUT = [sign_out, change_password, deactivate, delete_user, expire, sign_in_as_another]


@pytest.mark.parametrize("leave", WAYS_OUT)
def test_who_was_signed_in_at_the_last_look_is_not_after(owner: User, leave: Callable[[Scope], None]) -> None:
    scope = signed_in(owner)
    assert is_signed_in(scope)
    assert is_signed_in(scope)
    leave(scope)
    assert not is_signed_in(scope)
    assert not is_signed_in(scope)


def test_a_second_look_is_one_query(owner: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    scope = signed_in(owner)
    assert is_signed_in(scope)
    with django_assert_num_queries(1):
        assert is_signed_in(scope)


def test_what_changes_a_session_otherwise_does_not_sign_out(owner: User) -> None:
    scope = signed_in(owner)
    assert is_signed_in(scope)
    session = scope["session"].__class__(scope["session"].session_key)
    session["theme"] = "dark"
    session.save()
    assert is_signed_in(scope)


@pytest.mark.parametrize("leave", [change_password, deactivate])
def test_sessions_that_are_not_in_the_database_are_looked_at_too(
    owner: User, leave: Callable[[Scope], None], settings: Settings
) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    scope = signed_in(owner)
    assert is_signed_in(scope)
    leave(scope)
    assert not is_signed_in(scope)


def test_nobody_is_not_signed_in() -> None:
    assert not is_signed_in({"user": AnonymousUser()})

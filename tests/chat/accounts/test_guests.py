"""Guests: nobody can sign in as one, and each visitor is made one once."""

from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client
from pytest_django import Settings

from chat.accounts.guests import create_guest, visitor
from chat.protocol.errors import CommandError
from tests.chat.rows import on_rows

pytestmark = pytest.mark.django_db


def test_a_guest_has_no_password_and_no_rights() -> None:
    guest = create_guest()
    assert not guest.has_usable_password()
    assert authenticate(username=guest.username, password="") is None
    assert not guest.is_staff
    assert not guest.is_superuser


def test_guests_are_different_people() -> None:
    assert create_guest().username != create_guest().username


def signed_in(user: User) -> dict[str, Any]:
    """The scope of a socket that the user opened with a session."""
    client = Client()
    client.force_login(user)
    return {"user": user, "session": client.session}


@pytest.mark.django_db(transaction=True)
async def test_a_user_of_a_socket_is_its_visitor_until_the_logout(owner: User, settings: Settings) -> None:
    settings.TAILRACE_GUESTS = True
    scope = await on_rows(signed_in, owner)
    assert await visitor(scope) == owner
    await on_rows(scope["session"].flush)
    with pytest.raises(CommandError) as refused:
        await visitor(scope)
    assert refused.value.code == "unauthenticated"


@pytest.mark.django_db(transaction=True)
async def test_a_socket_without_a_user_is_made_a_guest_once(settings: Settings) -> None:
    settings.TAILRACE_GUESTS = True
    scope: dict[str, Any] = {"user": AnonymousUser()}
    guest = await visitor(scope)
    assert await visitor(scope) == guest
    assert await on_rows(User.objects.count) == 1


@pytest.mark.django_db(transaction=True)
async def test_where_there_are_no_guests_a_socket_without_a_user_is_refused(settings: Settings) -> None:
    settings.TAILRACE_GUESTS = False
    with pytest.raises(CommandError) as refused:
        await visitor({"user": AnonymousUser()})
    assert refused.value.code == "unauthenticated"
    assert await on_rows(User.objects.count) == 0

"""Guests: no client can sign in as one, and each visitor gets exactly one."""

from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import AnonymousUser, User
from pytest_django import Settings

from chat.accounts.guests import create_guest, visitor
from chat.protocol.errors import CommandError
from tests.chat.communicator import scope_of
from tests.chat.rows import on_rows

pytestmark = pytest.mark.django_db


def test_a_guest_has_no_password_and_no_rights() -> None:
    guest = create_guest()
    assert not guest.has_usable_password()
    assert authenticate(username=guest.username, password="") is None
    assert not guest.is_staff
    assert not guest.is_superuser


def test_every_guest_is_another_user() -> None:
    assert create_guest().username != create_guest().username


@pytest.mark.django_db(transaction=True)
async def test_a_user_is_the_visitor_of_a_socket_until_the_sign_out(owner: User, settings: Settings) -> None:
    settings.TAILRACE_GUESTS = True
    scope = await on_rows(scope_of, owner)
    assert await visitor(scope) == owner
    await on_rows(scope["session"].flush)
    with pytest.raises(CommandError) as refused:
        await visitor(scope)
    assert refused.value.code == "unauthenticated"


@pytest.mark.django_db(transaction=True)
async def test_a_socket_without_a_user_gets_one_guest(settings: Settings) -> None:
    settings.TAILRACE_GUESTS = True
    scope: dict[str, Any] = {"user": AnonymousUser()}
    guest = await visitor(scope)
    assert await visitor(scope) == guest
    assert await on_rows(User.objects.count) == 1


@pytest.mark.django_db(transaction=True)
async def test_without_guests_a_socket_without_a_user_is_refused(settings: Settings) -> None:
    settings.TAILRACE_GUESTS = False
    with pytest.raises(CommandError) as refused:
        await visitor({"user": AnonymousUser()})
    assert refused.value.code == "unauthenticated"
    assert await on_rows(User.objects.count) == 0

"""Guests: nobody can sign in as one, and each visitor is made one once."""

from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import AnonymousUser, User
from pytest_django import Settings

from chat.guests import create_guest, visitor
from chat.protocol.errors import CommandError

pytestmark = pytest.mark.django_db


def test_a_guest_has_no_password_and_no_rights() -> None:
    guest = create_guest()
    assert not guest.has_usable_password()
    assert authenticate(username=guest.username, password="") is None
    assert not guest.is_staff
    assert not guest.is_superuser


def test_guests_are_different_people() -> None:
    assert create_guest().username != create_guest().username


def test_a_user_of_a_socket_is_its_visitor(owner: User, settings: Settings) -> None:
    settings.GUESTS = False
    assert visitor({"user": owner}) == owner


def test_a_socket_without_a_user_is_made_a_guest_once(settings: Settings) -> None:
    settings.GUESTS = True
    scope: dict[str, Any] = {"user": AnonymousUser()}
    guest = visitor(scope)
    assert (visitor(scope), scope["user"]) == (guest, guest)
    assert User.objects.get() == guest


def test_where_there_are_no_guests_a_socket_without_a_user_is_refused(settings: Settings) -> None:
    settings.GUESTS = False
    with pytest.raises(CommandError) as refused:
        visitor({"user": AnonymousUser()})
    assert refused.value.code == "unauthenticated"
    assert User.objects.count() == 0

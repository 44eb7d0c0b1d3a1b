"""Guests: no client can sign in as one, and each visitor gets exactly one."""

import pytest
from django.contrib.auth import authenticate

from chat.accounts.guests import create_guest

pytestmark = pytest.mark.django_db


def test_a_guest_has_no_password_and_no_rights() -> None:
    guest = create_guest()
    assert not guest.has_usable_password()
    assert authenticate(username=guest.username, password="") is None
    assert not guest.is_staff
    assert not guest.is_superuser


def test_every_guest_is_another_user() -> None:
    assert create_guest().username != create_guest().username

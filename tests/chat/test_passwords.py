"""A change of a password: it ends the sockets under the old one, and no other."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from chat.log import Log
from chat.passwords import EndsSockets
from tests.chat.rows import on_rows
from tests.chat.sockets import heard_of, opened, put_out

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("static_root")]

PASSWORD = "correct horse battery"


def change_by_code(user: User) -> None:
    with transaction.atomic():
        user.set_password(PASSWORD)
        user.save()


def change_in_the_admin(user: User) -> None:
    admin = Client()
    admin.force_login(User.objects.create_user("boss", is_staff=True, is_superuser=True))
    fields = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    reply: Any = admin.post(reverse("admin:auth_user_password_change", args=[user.pk]), fields)
    assert reply.status_code == 302


@pytest.mark.parametrize("change", [change_by_code, change_in_the_admin])
async def test_a_change_puts_out_the_users_sockets_at_once(
    owner: User, stranger: User, log: Log, change: Any
) -> None:
    async with opened(owner) as socket, opened(owner) as another, opened(stranger) as theirs:
        await heard_of(owner)
        await on_rows(change, owner)
        await put_out(socket)
        await put_out(another)
        await theirs.say("tailrace:subscribe")  # nothing came before its answer
        assert await theirs.refusal() == (400, "missing_field", "response_id")


def test_it_takes_every_password_and_says_what_a_change_does() -> None:
    EndsSockets().validate("x")
    assert "signs you out" in EndsSockets().get_help_text()

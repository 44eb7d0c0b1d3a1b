"""A change of an account closes the sockets of its sessions, and no others."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from chat.accounts import revocation
from chat.models import Response, Status
from chat.responses.representation import response_object
from chat.transport.event_log import Log
from project.up import ports, valkey
from tests.chat.communicator import Socket, assert_signed_out, connected, cookie_of, joined, opened
from tests.chat.rows import on_rows, stored
from tests.harness.valkey import use
from tests.harness.waiting import await_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("static_root")]

PASSWORD, OLD_PASSWORD = "correct horse battery", "the one before"


@pytest.fixture
def owner(db: None) -> User:
    """A user with a password, which may be changed in the admin."""
    return User.objects.create_user("owner", password=OLD_PASSWORD, is_staff=True)


def change_by_code(user: User) -> None:
    with transaction.atomic():
        user.set_password(PASSWORD)
        user.save()


def save_the_password_alone(user: User) -> None:
    user.set_password(PASSWORD)
    user.save(update_fields=["password"])


def change_in_the_admin(user: User) -> None:
    in_the_admin(user, {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"})


def disable_in_the_admin(user: User) -> None:
    in_the_admin(user, {"password1": "", "password2": "", "usable_password": "false", "unset-password": ""})
    user.refresh_from_db()
    assert not user.has_usable_password()


def in_the_admin(user: User, fields: dict[str, str]) -> None:
    admin = Client()
    admin.force_login(User.objects.create_user("boss", is_staff=True, is_superuser=True))
    reply: Any = admin.post(reverse("admin:auth_user_password_change", args=[user.pk]), fields)
    assert reply.status_code == 302


def deactivate(user: User) -> None:
    user.is_active = False
    user.save()


CHANGES = [change_by_code, save_the_password_alone, change_in_the_admin, disable_in_the_admin, deactivate]


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_closes_the_users_sockets_at_once(
    owner: User, stranger: User, log: Log, change: Any
) -> None:
    async with opened(owner) as socket, opened(owner) as another, opened(stranger) as theirs:
        await joined(owner)
        await on_rows(change, owner)
        await assert_signed_out(socket)
        await assert_signed_out(another)
        await theirs.send_command("tailrace:subscribe")  # no other frame comes before the refusal
        assert await theirs.refusal() == (400, "missing_field", "response_id")


async def test_changing_ones_own_password_closes_the_socket_and_leaves_a_new_session(
    owner: User, log: Log
) -> None:
    browser = Client()
    await on_rows(browser.force_login, owner)
    async with connected(Socket(cookie=cookie_of(browser))) as socket:
        await joined(owner)
        await on_rows(change_their_own, browser)
        await assert_signed_out(socket)
    async with connected(Socket(cookie=cookie_of(browser))) as socket:  # with the new cookie
        await socket.send_command("tailrace:subscribe")
        assert await socket.refusal() == (400, "missing_field", "response_id")


def change_their_own(browser: Client) -> None:
    fields = {"old_password": OLD_PASSWORD, "new_password1": PASSWORD, "new_password2": PASSWORD}
    reply: Any = browser.post(reverse("admin:password_change"), fields)
    assert reply.status_code == 302


async def test_a_deleted_user_loses_sockets_and_ended_logs_at_once(owner: User, log: Log) -> None:
    ended, running = [
        await on_rows(stored, owner, status=status, ended_at=at)
        for status, at in ((Status.COMPLETED, timezone.now()), (Status.IN_PROGRESS, None))
    ]
    for row in (ended, running):
        await log.create(response_object(row))
    async with opened(owner) as socket:
        await joined(owner)
        await on_rows(User.objects.filter(pk=owner.pk).delete)
        await assert_signed_out(socket)
    await await_until(lambda: _is_lost(log, ended), 5, "the log is deleted")
    assert await log.top(running.wire_id) is not None  # its worker may still write


async def _is_lost(log: Log, row: Response) -> bool:
    return await log.top(row.wire_id) is None


@pytest.mark.slow
def test_a_user_is_deleted_even_while_redis_is_unavailable(
    owner: User, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    stored(owner, status=Status.COMPLETED, ended_at=timezone.now())
    use(settings, valkey.url(ports.pick_free()))
    owner.delete()
    assert User.objects.count() == 0
    assert "logs of a deleted user expire later: ConnectionError" in caplog.messages


def test_only_a_change_of_the_session_fields_notifies(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    notified = []

    async def notify(owner_id: int) -> None:
        notified.append(owner_id)

    monkeypatch.setattr(revocation, "notify_owner_to_recheck", notify)
    User.objects.create_user("new")
    Client().force_login(owner)  # saves `last_login`
    assert notified == []
    owner.save_base(raw=True)  # as a fixture does
    assert notified == []
    owner.save()
    assert notified == [owner.pk]


def test_a_user_is_saved_even_if_the_notification_fails(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(owner_id: int) -> None:
        raise RuntimeError

    monkeypatch.setattr(revocation, "notify_owner_to_recheck", fail)
    owner.is_active = False
    owner.save()
    owner.refresh_from_db()
    assert not owner.is_active

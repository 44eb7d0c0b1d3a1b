"""The watch: one check for all sockets of a process, also while the database or Redis is unavailable."""

import asyncio
import functools
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone

from chat.accounts import session_watch as module
from chat.accounts.session_watch import SessionWatch
from chat.accounts.sessions import Identity, identity, valid
from tests.chat.communicator import scope_of
from tests.chat.rows import on_rows
from tests.harness.waiting import await_until

pytestmark = pytest.mark.django_db(transaction=True)

Asked = list[set[Identity]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The checks, which follow each other at once."""
    checks: Asked = []

    def check(identities: Any) -> Any:
        checks.append(set(identities))
        return valid(identities)

    monkeypatch.setattr(module, "CHECK_SECS", 0.01)
    monkeypatch.setattr(module, "RETRY_SECS", 0.01)
    monkeypatch.setattr(module, "valid", check)
    return checks


async def until(condition: Any) -> None:
    await await_until(condition, 5, "the condition holds")


async def test_one_check_covers_all_sockets_and_ends_those_of_ended_sessions(
    owner: User, stranger: User, asked: Asked
) -> None:
    ended: list[str] = []
    watch = SessionWatch()
    theirs, hers = [identity(await on_rows(scope_of, user)) for user in (owner, stranger)]
    for name, known in {"a": theirs, "b": theirs, "c": hers}.items():
        watch.add(known, functools.partial(ended.append, name))
    await until(lambda: {theirs, hers} in asked)
    assert ended == []
    await on_rows(User.objects.filter(pk=owner.pk).update, is_active=False)
    await until(lambda: len(ended) == 2)
    assert set(ended) == {"a", "b"}
    asked.clear()
    await until(lambda: {hers} in asked)
    assert len(ended) == 2


async def test_without_sockets_nothing_is_checked(owner: User, asked: Asked) -> None:
    watch = SessionWatch()
    session = watch.add(identity(await on_rows(scope_of, owner)), lambda: None)
    checking = watch._checking
    assert checking is not None
    await until(lambda: asked)
    watch.remove(session)
    watch.remove(session)
    await until(checking.done)
    watch.remove(watch.add(session.identity, lambda: None))


async def test_a_check_is_repeated_while_the_database_is_unavailable_and_an_expiry_needs_none(
    owner: User, asked: Asked, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unavailable(_: Any) -> None:
        raise OperationalError

    ended: list[bool] = []
    watch = SessionWatch()
    session = watch.add(identity(await on_rows(scope_of, owner)), lambda: ended.append(True))
    await until(lambda: session.expires_at)
    monkeypatch.setattr(module, "valid", unavailable)
    warning = "sessions could not be checked: OperationalError"
    await until(lambda: caplog.messages.count(warning) > 1)
    assert ended == []
    session.expires_at = timezone.now() - timedelta(seconds=1)
    await until(lambda: ended)
    watch.remove(session)


@pytest.mark.slow
async def test_a_check_survives_an_unexpected_error(
    owner: User, asked: Asked, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: Any) -> None:
        raise RuntimeError

    ended: list[bool] = []
    watch = SessionWatch()
    known = identity(await on_rows(scope_of, owner))
    with monkeypatch.context() as failing:
        failing.setattr(module, "valid", broken)
        watch.add(known, lambda: ended.append(True))
        await until(lambda: "sessions could not be checked" in caplog.messages)
    await on_rows(User.objects.all().delete)
    await until(lambda: ended)


async def test_a_command_trusts_a_recent_check_of_the_watch(
    owner: User, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = SessionWatch()
    session = watch.add(identity(await on_rows(scope_of, owner)), lambda: None)
    await asyncio.sleep(0)  # the first pause begins
    monkeypatch.setattr(module, "CHECK_SECS", 3600)  # and one check follows
    await until(lambda: session.expires_at)
    watch.remove(session)
    asked.clear()
    assert await session.is_valid()
    assert asked == []
    assert await session.check()
    assert len(asked) == 1

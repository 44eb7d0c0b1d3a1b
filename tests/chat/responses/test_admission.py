"""Admission: an owner's answers run, are held or are refused, exactly at the limits."""

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import Error as DatabaseError
from django.db import connection
from pytest_django import Settings

from chat.accounts.guests import create_guest
from chat.models import Response, Status
from chat.protocol.commands import Create, create
from chat.protocol.composer import Ending
from chat.protocol.errors import CommandError
from chat.responses import creation, queueing
from chat.responses.admission import RETRY_SECS, owners_with_room, take_held
from chat.responses.creation import create_response, queue_response, submit
from chat.responses.ending import cancel, end
from chat.responses.model_catalog import DEMO
from chat.transport.event_log import Log
from tests.chat.communicator import eventually
from tests.chat.rows import counted, on_rows, saved, stored
from tests.harness.broker import Broker

pytestmark = pytest.mark.django_db(transaction=True)

COMPLETED = Ending("completed", at=time.time())


@pytest.fixture(autouse=True)
def _limits(settings: Settings) -> None:
    """Two run, three wait."""
    settings.TAILRACE_MAX_RUNNING, settings.TAILRACE_MAX_WAITING = 2, 3
    settings.TAILRACE_GUEST_MAX_RUNNING, settings.TAILRACE_GUEST_MAX_WAITING = 1, 1


def asking(request_id: str | None = None) -> Create:
    options = {"client_request_id": request_id} if request_id else {}
    return create({"type": "response.create", "model": DEMO, "input": "How deep?", "tailrace": options})


async def asked(owner: User, log: Log, count: int) -> list[Response]:
    """Submit some, each when the one before is in its queue: a slow enqueue would be overtaken."""
    rows = []
    for _ in range(count):
        row, _new = await submit(owner, asking(), log)
        await asyncio.gather(*creation._pending)
        rows.append(row)
    return rows


async def sent(broker: Broker, rows: list[Response]) -> None:
    """Wait until these have a message, in this order, and no other."""
    await eventually(lambda: [job.id for job in broker.jobs()] == [row.wire_id for row in rows])


async def refusal(owner: User, log: Log) -> CommandError:
    with pytest.raises(CommandError) as refused:
        await submit(owner, asking(), log)
    return refused.value


async def test_beyond_the_running_ones_a_response_is_held(owner: User, log: Log, broker: Broker) -> None:
    rows = await asked(owner, log, 5)
    await sent(broker, rows[:2])
    assert [row.sent_at is None for row in rows] == [False, False, True, True, True]
    assert {(await saved(row.pk)).status for row in rows} == {Status.QUEUED}
    assert [await log.top(row.wire_id) for row in rows] == [1] * 5  # each can be followed


@pytest.mark.usefixtures("broker")
async def test_beyond_the_held_ones_a_request_is_refused_and_nothing_is_stored(owner: User, log: Log) -> None:
    await asked(owner, log, 5)
    refused = await refusal(owner, log)
    assert (refused.code, refused.status, refused.retry_after) == ("too_many_waiting", 429, RETRY_SECS)
    assert json.loads(refused.encode())["retry_after"] == RETRY_SECS
    assert await counted() == (5, 5)


@pytest.mark.usefixtures("broker")
async def test_a_guest_has_limits_of_its_own(owner: User, log: Log) -> None:
    guest = await on_rows(create_guest)
    rows = await asked(guest, log, 2)
    assert [row.sent_at is None for row in rows] == [False, True]
    assert (await refusal(guest, log)).code == "too_many_waiting"
    assert (await asked(owner, log, 1))[0].sent_at  # others have theirs


@pytest.mark.usefixtures("broker")
async def test_an_account_that_is_called_like_a_guest_is_none(log: Log) -> None:
    account = await on_rows(User.objects.create_user, "guest-list")
    assert [row.sent_at is None for row in await asked(account, log, 2)] == [False, False]


async def test_a_repeated_request_is_never_refused(owner: User, log: Log, broker: Broker) -> None:
    first, _ = await submit(owner, asking("c"), log)
    await asked(owner, log, 4)
    again, new = await submit(owner, asking("c"), log)
    assert (again.pk, new) == (first.pk, False)


async def test_the_end_of_one_sends_the_oldest_held_one(owner: User, log: Log, broker: Broker) -> None:
    rows = await asked(owner, log, 5)
    await end(log, rows[1].wire_id, COMPLETED)
    await sent(broker, rows[:3])
    await cancel(log, owner.pk, rows[0].pk)
    await sent(broker, rows[:4])
    assert (await saved(rows[4].pk)).sent_at is None


async def test_a_held_one_can_be_stopped_and_is_never_sent(owner: User, log: Log, broker: Broker) -> None:
    rows = await asked(owner, log, 4)
    await cancel(log, owner.pk, rows[2].pk)
    await sent(broker, rows[:2])
    await end(log, rows[0].wire_id, COMPLETED)
    await sent(broker, [*rows[:2], rows[3]])


async def test_a_response_that_goes_back_into_the_queue_keeps_its_place(
    owner: User, log: Log, broker: Broker
) -> None:
    rows = await asked(owner, log, 3)
    await on_rows(Response.objects.claim, rows[0].wire_id, "w1")
    assert await on_rows(Response.objects.requeue, rows[0].pk, 1, handed_over=False)
    assert await on_rows(take_held, owner.pk) == []
    assert (await saved(rows[0].pk)).sent_at


@pytest.mark.usefixtures("broker")
async def test_a_new_response_does_not_overtake_held_ones(owner: User, log: Log) -> None:
    rows = await asked(owner, log, 3)
    await on_rows(Response.objects.filter(pk=rows[0].pk).update, status=Status.COMPLETED)  # nothing is sent
    row, _ = await create_response(owner, asking(), log)
    assert row.sent_at is None


async def test_the_last_one_may_end_while_a_response_is_stored_as_held(
    owner: User, log: Log, broker: Broker
) -> None:
    running = await asked(owner, log, 2)
    held, _ = await create_response(owner, asking(), log)
    for row in running:  # their ends were before the row was visible
        await on_rows(Response.objects.filter(pk=row.pk).update, status=Status.COMPLETED)
    await queue_response(held, log)
    await sent(broker, [*running, held])


@pytest.mark.usefixtures("broker")
async def test_without_the_database_held_ones_are_left_to_the_reaper(
    owner: User, log: Log, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rows = await asked(owner, log, 3)

    def unavailable(owner_id: int) -> list[Response]:
        raise DatabaseError

    monkeypatch.setattr(queueing, "take_held", unavailable)
    await end(log, rows[0].wire_id, COMPLETED)
    assert (await saved(rows[0].pk)).status == Status.COMPLETED
    assert "held ones are sent later" in caplog.text
    assert await on_rows(owners_with_room, 0, 10) == ([owner.pk], 0)


@pytest.mark.usefixtures("broker")
async def test_a_deleted_owner_is_unauthenticated_and_holds_nothing(owner: User, log: Log) -> None:
    pk = owner.pk
    await on_rows(owner.delete)
    await queueing.send_held(pk)
    owner.pk = pk
    assert (await refusal(owner, log)).code == "unauthenticated"


def test_owners_with_room_are_found_in_turn(owner: User, stranger: User) -> None:
    third = User.objects.create_user("third")
    for each in (owner, stranger, third):
        stored(each, sent_at=None)
    for _ in range(2):
        stored(stranger, status=Status.IN_PROGRESS)  # as many as may run
    owners = sorted([owner.pk, stranger.pk, third.pk])
    first, after = owners_with_room(0, 2)
    rest, start = owners_with_room(after, 2)
    assert (sorted(first + rest), start) == (sorted([owner.pk, third.pk]), 0)
    assert after == owners[1]


@pytest.mark.parametrize("work", ["stored", "taken"])
def test_many_threads_never_exceed_the_limits(owner: User, work: str) -> None:
    def store(_: int) -> str:
        return _outcome(lambda: creation._store(owner, asking(), asking().items()))

    def take(_: int) -> str:
        return _outcome(lambda: take_held(owner.pk))

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(store, range(40)))
        if work == "taken":
            Response.objects.filter(sent_at__isnull=False).update(status=Status.COMPLETED)
            list(pool.map(take, range(40)))
    assert outcomes.count("done") == 5
    assert outcomes.count("too_many_waiting") == 35
    assert Response.objects.count_live(owner.pk) == ((2, 3) if work == "stored" else (2, 1))


def _outcome(work: Callable[[], Any]) -> str:
    try:
        work()
    except CommandError as refused:
        return refused.code
    finally:
        connection.close()
    return "done"


async def test_parallel_ends_send_each_held_one_once(owner: User, log: Log, broker: Broker) -> None:
    rows = await asked(owner, log, 5)
    await asyncio.gather(*(end(log, row.wire_id, COMPLETED) for row in rows[:2]))
    await eventually(lambda: len(broker.jobs()) == 4)
    assert len({job.id for job in broker.jobs()}) == 4

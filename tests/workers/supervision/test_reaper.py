"""The reaper: a response without a worker gets another attempt, once; any other is left alone."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from chat.models import Response, Status
from chat.protocol.composer import Ending
from chat.responses.admission import take_held
from chat.responses.queueing import enqueue
from chat.responses.representation import response_object
from chat.transport import redis_client
from chat.transport.event_log import Batch, Log, key
from chat.transport.heartbeats import GONE_SECS, Heartbeats
from chat.transport.redis_keys import prefixed
from tests.chat.rows import on_rows, saved, stored
from tests.harness.broker import Broker
from tests.harness.waiting import LEAST_SECS, await_until
from tests.harness.writer import Writer
from tests.workers.background import beside
from tests.workers.logs import ends
from workers.supervision import reaper as module
from workers.supervision.reaper import LOST_MESSAGE_SECS, MAX_LOSSES, Reaper

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = timedelta(seconds=GONE_SECS + LOST_MESSAGE_SECS + 5)


@pytest.fixture
def owner() -> User:
    return User.objects.create_user("owner")


@pytest.fixture
async def heartbeats(log: Log) -> Heartbeats:
    return Heartbeats(redis_client.client())


@pytest.fixture
async def reaper(log: Log, heartbeats: Heartbeats, broker: Broker) -> Reaper:
    """A reaper that trusts the heartbeats."""
    await heartbeats.record("reaper", {"running": []})
    reaper = Reaper("reaper", heartbeats, log)
    reaper._certain_from = 0
    return reaper


async def begun(log: Log, owner: User, **fields: Any) -> Response:
    """A response that a worker claimed long ago and has written "Hello" of."""
    claimed = {"status": Status.IN_PROGRESS, "worker": "gone", "attempt": 1}
    row = await on_rows(stored, owner, **(claimed | {"started_at": timezone.now() - LONG_AGO} | fields))
    await log.create(response_object(row))
    await write(log, row, Writer.start, row.attempt)
    await write(log, row, Writer.add, "Hello")
    return row


async def write(log: Log, row: Response, method: Any, *args: Any) -> None:
    state = await log.state(row.wire_id)
    assert state is not None
    await log.append(Batch.of(state.id, method(Writer(state), *args)))


async def test_the_response_of_a_lost_worker_is_enqueued_for_another(
    reaper: Reaper, log: Log, owner: User, broker: Broker
) -> None:
    row = await begun(log, owner)
    await reaper.check()
    assert [message.id for message in broker.jobs()] == [row.wire_id]
    now = await saved(row.id)
    assert (now.status, now.worker, now.attempt) == (Status.QUEUED, "", 1)
    assert await ends(log, row.wire_id) == []


async def test_a_response_that_a_live_worker_reports_is_left_alone(
    reaper: Reaper, log: Log, owner: User, broker: Broker, heartbeats: Heartbeats
) -> None:
    row = await begun(log, owner, worker="alive")
    await heartbeats.record("alive", {"running": [row.wire_id]})
    await reaper.check()
    assert broker.jobs() == []
    assert (await saved(row.id)).status == Status.IN_PROGRESS


async def test_a_response_that_its_live_worker_no_longer_reports_is_enqueued(
    reaper: Reaper, log: Log, owner: User, broker: Broker, heartbeats: Heartbeats
) -> None:
    row = await begun(log, owner, worker="alive")
    await heartbeats.record("alive", {"running": []})
    await reaper.check()
    assert [message.id for message in broker.jobs()] == [row.wire_id]


async def test_a_response_that_was_just_claimed_is_left_alone(
    reaper: Reaper, log: Log, owner: User, broker: Broker
) -> None:
    row = await begun(log, owner, started_at=timezone.now())
    await reaper.check()
    assert broker.jobs() == []
    assert (await saved(row.id)).status == Status.IN_PROGRESS


async def test_a_response_that_lost_its_last_worker_fails_and_keeps_its_text(
    reaper: Reaper, log: Log, owner: User, broker: Broker
) -> None:
    row = await begun(log, owner, attempt=MAX_LOSSES, losses=MAX_LOSSES - 1)
    await reaper.check()
    now = await saved(row.id)
    assert (now.status, now.error_code, now.output) == (Status.FAILED, "worker_lost", "Hello")
    assert len(await ends(log, row.wire_id)) == 1
    assert broker.jobs() == []


async def test_a_response_that_was_handed_over_before_may_still_lose_a_worker(
    reaper: Reaper, log: Log, owner: User, broker: Broker
) -> None:
    row = await begun(log, owner, attempt=5)
    await reaper.check()
    assert [message.id for message in broker.jobs()] == [row.wire_id]
    now = await saved(row.id)
    assert (now.status, now.attempt, now.losses) == (Status.QUEUED, 5, 1)


@pytest.mark.parametrize("losses", [0, MAX_LOSSES - 1])
async def test_an_end_that_is_in_the_log_is_only_copied_to_the_row(
    reaper: Reaper, log: Log, owner: User, broker: Broker, losses: int
) -> None:
    row = await begun(log, owner, attempt=losses + 1, losses=losses)
    await write(log, row, Writer.finish, Ending("completed", at=time.time()))
    await reaper.check()
    now = await saved(row.id)
    assert (now.status, now.error_code, now.output) == (Status.COMPLETED, "", "Hello")
    assert len(await ends(log, row.wire_id)) == 1
    assert broker.jobs() == []


async def test_a_response_whose_log_is_lost_too_goes_to_another_worker(
    reaper: Reaper, log: Log, owner: User, broker: Broker
) -> None:
    row = await begun(log, owner)
    await redis_client.client().delete(key(row.wire_id))
    await reaper.check()
    assert [message.id for message in broker.jobs()] == [row.wire_id]


async def test_a_queued_response_without_a_message_gets_one_and_only_one(
    reaper: Reaper, owner: User, broker: Broker
) -> None:
    row = await on_rows(stored, owner, sent_at=timezone.now() - LONG_AGO)
    for _ in range(3):
        await reaper.check()
    assert [message.id for message in broker.jobs()] == [row.wire_id]


async def test_a_message_lost_among_others_is_replaced(reaper: Reaper, owner: User, broker: Broker) -> None:
    lost, *others = [
        await on_rows(stored, owner, sent_at=timezone.now() - LONG_AGO + timedelta(seconds=number))
        for number in range(3)
    ]
    for row in others:
        await enqueue(row)
    for _ in range(3):
        await reaper.check()
    assert sorted(message.id for message in broker.jobs()) == sorted(row.wire_id for row in (lost, *others))


async def test_who_waits_long_for_a_free_worker_is_left_alone(
    reaper: Reaper, owner: User, broker: Broker
) -> None:
    for _ in range(2):
        await enqueue(await on_rows(stored, owner, sent_at=timezone.now() - LONG_AGO))
    await reaper.check()
    assert len(broker.jobs()) == 2


async def test_a_response_that_was_just_queued_is_left_alone(
    reaper: Reaper, owner: User, broker: Broker
) -> None:
    await on_rows(stored, owner)
    await reaper.check()
    assert broker.jobs() == []


async def test_one_process_at_a_time_checks(
    log: Log, heartbeats: Heartbeats, owner: User, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECS", 0.05)
    checked: list[str] = []

    class Counted(Reaper):
        async def check(self) -> None:
            checked.append(self._worker_id)
            await super().check()

    async with beside(Counted("one", heartbeats, log).run()), beside(Counted("two", heartbeats, log).run()):
        await await_until(lambda: len(checked) >= 5, LEAST_SECS, "five checks")
    assert len(set(checked)) == 1


@pytest.mark.slow
async def test_a_reaper_in_doubt_waits_for_the_next_heartbeat_of_every_worker(
    log: Log, heartbeats: Heartbeats, owner: User, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECS", 0.05)
    monkeypatch.setattr(module, "GONE_SECS", 1)
    await begun(log, owner)
    await heartbeats.record("reaper", {"running": []})
    doubted_at = time.monotonic()
    reaper = Reaper("reaper", heartbeats, log)  # a new one is in doubt
    async with beside(reaper.run()):

        async def has_acted() -> bool:
            await heartbeats.record("reaper", {"running": []})  # or it expires on a slow machine
            return bool(await asyncio.to_thread(broker.jobs))

        await await_until(has_acted, LEAST_SECS, "the response is enqueued")
    assert time.monotonic() - doubted_at >= 1


async def test_a_reaper_whose_own_heartbeat_is_gone_trusts_no_other(
    reaper: Reaper, log: Log, heartbeats: Heartbeats, owner: User, broker: Broker
) -> None:
    row = await begun(log, owner)
    await heartbeats.leave("reaper")
    await reaper.check()
    await heartbeats.record("reaper", {"running": []})
    await reaper.check()
    assert broker.jobs() == []
    assert (await saved(row.id)).status == Status.IN_PROGRESS


async def test_a_log_that_cannot_be_read_does_not_hold_up_the_others(
    reaper: Reaper, log: Log, owner: User, broker: Broker
) -> None:
    strange, plain = await begun(log, owner), await begun(log, owner)
    state = await log.state(strange.wire_id)
    assert state is not None
    await log.append(Batch(state.id, state.next, ['{"type":"tailrace:of_the_future"}']))
    await reaper.check()
    assert [message.id for message in broker.jobs()] == [plain.wire_id]


async def test_a_row_that_was_just_recovered_has_not_lost_its_message(
    reaper: Reaper, log: Log, owner: User, broker: Broker
) -> None:
    await begun(log, owner, sent_at=timezone.now() - LONG_AGO)
    await reaper.check()
    await redis_client.client().delete(prefixed("responses"))  # a worker has taken it, and not yet claimed
    await reaper.check()
    assert broker.jobs() == []


async def test_a_held_response_is_sent_once_its_owner_has_room(
    reaper: Reaper, owner: User, broker: Broker, settings: Settings
) -> None:
    settings.TAILRACE_MAX_RUNNING = 1
    running = await on_rows(stored, owner)
    await enqueue(running)
    held = await on_rows(stored, owner, queued_at=timezone.now() - LONG_AGO, sent_at=None)
    await reaper.check()
    assert [message.id for message in broker.jobs()] == [running.wire_id]  # held, and no lost message
    await on_rows(Response.objects.filter(pk=running.pk).update, status=Status.COMPLETED)
    for _ in range(2):
        await reaper.check()
    assert [message.id for message in broker.jobs()] == [running.wire_id, held.wire_id]


async def test_a_response_whose_sender_died_before_its_message_is_sent_again(
    reaper: Reaper, owner: User, broker: Broker
) -> None:
    row = await on_rows(stored, owner, sent_at=None)
    await on_rows(take_held, owner.pk)  # marked as sent, and the process dies
    await on_rows(Response.objects.update, sent_at=timezone.now() - LONG_AGO)
    await reaper.check()
    assert [message.id for message in broker.jobs()] == [row.wire_id]


async def test_a_response_that_is_not_stored_is_deleted_with_its_log(
    reaper: Reaper, log: Log, owner: User
) -> None:
    ended_at = timezone.now() - timedelta(minutes=6)
    row = await on_rows(stored, owner, status=Status.COMPLETED, stored=False, ended_at=ended_at)
    await log.create(response_object(row))
    await reaper.check()
    assert not await on_rows(Response.objects.exists)
    assert await log.top(row.wire_id) is None

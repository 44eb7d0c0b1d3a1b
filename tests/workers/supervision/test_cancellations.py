"""Cancellations of the web side reach the worker that has the response."""

import asyncio

import pytest
from channels.layers import get_channel_layer

from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.notifications import notify_workers_to_cancel
from tests.harness.upstream import Upstream
from tests.harness.valkey import OwnValkey
from tests.harness.waiting import LEAST_SECS, await_until
from tests.workers.background import beside
from tests.workers.stalled import start_stalling
from tests.workers.targets import generating
from workers.generation.attempt import Outcome
from workers.supervision import cancellations
from workers.supervision.cancellations import listen


async def cancelled(writing: asyncio.Task[Outcome], response_id: str) -> Outcome:
    """Notify until the attempt ends: a notification sent before the worker listens is lost."""

    async def has_ended() -> bool:
        await notify_workers_to_cancel(response_id)
        return writing.done()

    await await_until(has_ended, LEAST_SECS, "the attempt is cancelled")
    return writing.result()


async def test_a_cancellation_ends_that_attempt_and_no_other(log: Log, upstream: Upstream) -> None:
    async with generating(log) as attempts, beside(listen(attempts)):
        (one, writing), (other, staying) = [await start_stalling(log, attempts, upstream) for _ in range(2)]
        outcome = await cancelled(writing, one)
        assert outcome.response is not None
        assert outcome.response["status"] == "cancelled"
        assert not staying.done()
        await cancelled(staying, other)


async def test_every_worker_receives_a_cancellation(log: Log, upstream: Upstream) -> None:
    async with generating(log) as idle, generating(log) as busy, beside(listen(idle)), beside(listen(busy)):
        response_id, writing = await start_stalling(log, busy, upstream)
        await cancelled(writing, response_id)


async def test_cancellations_arrive_again_after_an_outage(own_valkey: OwnValkey, upstream: Upstream) -> None:
    log = Log(redis_client.client())
    async with generating(log) as attempts, beside(listen(attempts)):
        first, writing = await start_stalling(log, attempts, upstream)
        await cancelled(writing, first)
        own_valkey.kill()
        await asyncio.to_thread(own_valkey.start)
        second, writing = await start_stalling(log, attempts, upstream)
        await cancelled(writing, second)
    await get_channel_layer().flush()


@pytest.mark.slow
async def test_a_worker_that_starts_without_redis_listens_once_it_is_there(
    own_valkey: OwnValkey,
    upstream: Upstream,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cancellations, "JOIN_RETRY_SECS", 0.05)
    own_valkey.kill()
    log = Log(redis_client.client())
    async with generating(log) as attempts, beside(listen(attempts)):
        await await_until(
            lambda: "cannot listen to cancellations" in caplog.text, LEAST_SECS, "joining fails"
        )
        await asyncio.to_thread(own_valkey.start)
        response_id, writing = await start_stalling(log, attempts, upstream)
        await cancelled(writing, response_id)
    await get_channel_layer().flush()

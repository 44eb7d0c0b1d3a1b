"""Orders of the web side reach whichever worker has the answer."""

import asyncio

import pytest
from channels.layers import get_channel_layer

from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.notifications import notify_workers_to_cancel
from tests.harness.upstream import Upstream
from tests.harness.valkey import OwnValkey
from tests.harness.waiting import await_until
from tests.workers.background import beside
from tests.workers.logs import text
from tests.workers.targets import AFTER_5, generating, job, target
from workers.generation.attempt import Outcome
from workers.generation.attempts import Attempts
from workers.supervision.cancellations import listen


async def stopped(writing: asyncio.Task[Outcome], response_id: str) -> Outcome:
    """Order until it is heard: a hint that nobody listened to yet is lost."""

    async def is_stopped() -> bool:
        await notify_workers_to_cancel(response_id)
        return writing.done()

    await await_until(is_stopped, 10, "the order is listened")
    return writing.result()


async def writing_on(log: Log, attempts: Attempts, upstream: Upstream) -> tuple[str, asyncio.Task[Outcome]]:
    """An answer in the middle of which the model is silent."""
    asked = job(target(upstream, "stall-after-5"))
    writing = asyncio.create_task(attempts.run(asked))

    async def is_said() -> bool:
        return await text(log, asked.id) == AFTER_5

    await await_until(is_said, 5, "the answer is under way")
    return asked.id, writing


async def test_an_order_cancels_that_answer_and_no_other(log: Log, upstream: Upstream) -> None:
    async with generating(log) as attempts, beside(listen(attempts)):
        (one, writing), (other, staying) = [await writing_on(log, attempts, upstream) for _ in range(2)]
        report = await stopped(writing, one)
        assert report.response is not None
        assert report.response["status"] == "cancelled"
        assert not staying.done()
        await stopped(staying, other)


async def test_every_worker_hears_an_order(log: Log, upstream: Upstream) -> None:
    async with generating(log) as idle, generating(log) as busy, beside(listen(idle)), beside(listen(busy)):
        response_id, writing = await writing_on(log, busy, upstream)
        await stopped(writing, response_id)


async def test_orders_are_heard_again_after_valkey_was_away(
    own_valkey: OwnValkey, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log(redis_client.client())
    async with generating(log) as attempts, beside(listen(attempts)):
        first, writing = await writing_on(log, attempts, upstream)
        await stopped(writing, first)
        own_valkey.kill()
        await asyncio.to_thread(own_valkey.start)
        second, writing = await writing_on(log, attempts, upstream)
        await stopped(writing, second)
    await get_channel_layer().flush()

"""The heartbeat: other processes see that the worker lives, and it cancels what Flower revoked."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from celery.worker.state import revoked

from chat import __version__
from chat.protocol.composer import Ending
from chat.responses.ending import conclude
from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.heartbeats import Heartbeats
from tests.harness.upstream import Upstream
from tests.harness.valkey import OwnValkey
from tests.harness.waiting import LEAST_SECS, await_until
from tests.workers.background import beside, in_time
from tests.workers.logs import ends, taken_over
from tests.workers.stalled import start_stalling
from tests.workers.targets import generating
from workers.generation.attempt import StopReason
from workers.generation.attempts import Attempts
from workers.supervision import heartbeat as module
from workers.supervision.heartbeat import Heartbeat
from workers.supervision.reaper import Reaper


@pytest.fixture(autouse=True)
def _quick_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECS", 0.05)


@asynccontextmanager
async def sending(attempts: Attempts, claimed: Sequence[str] = ()) -> AsyncIterator[Heartbeat]:
    heartbeats = Heartbeats(redis_client.client())
    reaper = Reaper("worker-1", heartbeats, attempts.log)
    heartbeat = Heartbeat("worker-1", "first@host", claimed, attempts, heartbeats, reaper, {"concurrency": 7})
    async with beside(heartbeat.run()):
        yield heartbeat


def doubts(reaper: Reaper) -> bool:
    return reaper._certain_from > 0  # as set by the tests


async def test_a_heartbeat_reports_the_process_its_version_and_the_claimed_responses(log: Log) -> None:
    begin, claimed = time.time(), list[str]()
    async with generating(log) as attempts, sending(attempts, claimed) as heartbeat:

        async def reports(*running: str) -> bool:
            figures = (await heartbeat.heartbeats.alive()).get("worker-1", {})
            sent_at = figures.pop("at", 0)
            return begin <= sent_at <= time.time() and figures == {
                "name": "first@host",
                "pid": os.getpid(),
                "version": __version__,
                "concurrency": 7,
                "running": list(running),
            }

        await await_until(reports, LEAST_SECS, "a heartbeat without work")
        claimed += ["r1", "r2"]
        await await_until(lambda: reports("r1", "r2"), LEAST_SECS, "a heartbeat with two responses")
        claimed.remove("r1")
        await await_until(lambda: reports("r2"), LEAST_SECS, "a heartbeat with one response")


async def test_a_task_that_flower_revoked_is_cancelled_and_no_other(log: Log, upstream: Upstream) -> None:
    async with generating(log) as attempts, sending(attempts):
        (one, gone), (other, staying) = [await start_stalling(log, attempts, upstream) for _ in range(2)]
        revoked.add(one)
        try:
            outcome = await in_time(gone)
        finally:
            revoked.discard(one)
        assert outcome.response is not None
        assert outcome.response["status"] == "cancelled"
        assert len(await ends(log, one)) == 1
        assert attempts.running == [other]
        attempts.cancel(other)
        await staying


async def test_an_end_in_the_log_is_noticed_though_the_cancellation_was_lost(
    log: Log, upstream: Upstream
) -> None:
    async with generating(log) as attempts, sending(attempts):
        (one, gone), (other, staying) = [await start_stalling(log, attempts, upstream) for _ in range(2)]
        state = await log.state(one)
        assert state is not None
        final = await conclude(log, state, Ending("cancelled", at=5.0))
        assert (await in_time(gone)).terminal == final
        assert len(await ends(log, one)) == 1
        assert not staying.done()
        attempts.cancel(other)
        await staying


async def test_a_later_attempt_in_the_log_stops_a_silent_one(log: Log, upstream: Upstream) -> None:
    async with generating(log) as attempts, sending(attempts):
        (one, gone), (other, staying) = [await start_stalling(log, attempts, upstream) for _ in range(2)]
        await taken_over(log, one)
        outcome = await in_time(gone)
        assert (outcome.stopped, outcome.response) == (StopReason.SUPERSEDED, None)
        assert await ends(log, one) == []
        assert attempts.running == [other]
        attempts.cancel(other)
        await staying


async def test_heartbeats_missed_in_an_outage_are_followed_by_later_ones(
    own_valkey: OwnValkey, caplog: pytest.LogCaptureFixture
) -> None:
    async with generating(Log(redis_client.client())) as attempts, sending(attempts) as heartbeat:

        async def lives() -> bool:
            return "worker-1" in await heartbeat.heartbeats.alive()

        await await_until(lives, LEAST_SECS, "a heartbeat")
        heartbeat.reaper._certain_from = 0
        own_valkey.kill()
        await await_until(
            lambda: "a heartbeat was missed" in caplog.text, LEAST_SECS, "a heartbeat is missed"
        )
        assert doubts(heartbeat.reaper)
        await asyncio.to_thread(own_valkey.start)
        await heartbeat.heartbeats.leave("worker-1")
        await await_until(lives, LEAST_SECS, "a heartbeat again")


async def test_a_lost_heartbeat_makes_all_heartbeats_doubtful(log: Log) -> None:
    async with generating(log) as attempts:
        heartbeats = Heartbeats(redis_client.client())
        reaper = Reaper("worker-1", heartbeats, log)
        heartbeat = Heartbeat("worker-1", "first@host", [], attempts, heartbeats, reaper)
        for is_lost in (True, False, True):
            if is_lost:
                await redis_client.client().flushall()
            reaper._certain_from = 0
            await heartbeat.send()
            assert doubts(reaper) == is_lost


@pytest.mark.slow
async def test_a_blocked_event_loop_is_logged(
    log: Log, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "BLOCKED_SECS", 0.2)
    async with generating(log) as attempts, sending(attempts):

        async def is_logged() -> bool:
            time.sleep(0.5)  # noqa: ASYNC251 - a program that blocks
            return "the event loop was blocked for 0." in caplog.text

        await await_until(is_logged, LEAST_SECS, "it is logged")

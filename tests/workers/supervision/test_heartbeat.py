"""The beat: others see that the worker lives, and what Flower revoked is stopped."""

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
from tests.harness.waiting import await_until
from tests.workers.background import beside, within
from tests.workers.logs import ends, text
from tests.workers.targets import AFTER_5, generating, job, target
from workers.generation.attempt import Assignment, Outcome
from workers.generation.attempts import Attempts
from workers.supervision import heartbeat as module
from workers.supervision.heartbeat import Heartbeat
from workers.supervision.reaper import Reaper


@pytest.fixture(autouse=True)
def _quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_SECS", 0.05)


@asynccontextmanager
async def beating(attempts: Attempts, claimed: Sequence[str] = ()) -> AsyncIterator[Heartbeat]:
    liveness = Heartbeats(redis_client.client())
    reaper = Reaper("worker-1", liveness, attempts.log)
    beat = Heartbeat("worker-1", "first@host", claimed, attempts, liveness, reaper, {"concurrency": 7})
    async with beside(beat.run()):
        yield beat


def doubts(reaper: Reaper) -> bool:
    return reaper._certain_from > time.monotonic()


async def writing_on(log: Log, attempts: Attempts, asked: Assignment) -> asyncio.Task[Outcome]:
    """An answer in the middle of which the model is silent."""
    writing = asyncio.create_task(attempts.run(asked))

    async def is_said() -> bool:
        return await text(log, asked.id) == AFTER_5

    await await_until(is_said, 5, "the answer is under way")
    return writing


async def test_a_beat_tells_the_process_its_version_and_what_is_claimed(log: Log) -> None:
    claimed: list[str] = []
    async with generating(log) as attempts, beating(attempts, claimed) as beat:

        async def tells(*running: str) -> bool:
            figures = (await beat.liveness.alive()).get("worker-1", {})
            of_now = figures.pop("at", 0)
            return abs(time.time() - of_now) < 5 and figures == {
                "name": "first@host",
                "pid": os.getpid(),
                "version": __version__,
                "concurrency": 7,
                "running": list(running),
            }

        await await_until(tells, 5, "a beat without work")
        claimed += ["r1", "r2"]
        await await_until(lambda: tells("r1", "r2"), 5, "a beat with two answers")
        claimed.remove("r1")
        await await_until(lambda: tells("r2"), 5, "a beat with one answer")


async def test_a_job_that_flower_revoked_is_cancelled_and_no_other(log: Log, upstream: Upstream) -> None:
    async with generating(log) as attempts, beating(attempts):
        jobs = [job(target(upstream, "stall-after-5")) for _ in range(2)]
        gone, staying = [await writing_on(log, attempts, asked) for asked in jobs]
        revoked.add(jobs[0].id)
        try:
            report = await within(2, gone)
        finally:
            revoked.discard(jobs[0].id)
        assert report.response is not None
        assert report.response["status"] == "cancelled"
        assert len(await ends(log, jobs[0].id)) == 1
        assert attempts.running == [jobs[1].id]
        attempts.cancel(jobs[1].id)
        await staying


async def test_an_end_in_the_log_is_noticed_though_the_order_to_stop_was_lost(
    log: Log, upstream: Upstream
) -> None:
    async with generating(log) as attempts, beating(attempts):
        jobs = [job(target(upstream, "stall-after-5")) for _ in range(2)]
        gone, staying = [await writing_on(log, attempts, asked) for asked in jobs]
        state = await log.state(jobs[0].id)
        assert state is not None
        final = await conclude(log, state, Ending("cancelled", at=5.0))
        assert (await within(2, gone)).response == final
        assert len(await ends(log, jobs[0].id)) == 1
        assert not staying.done()
        attempts.cancel(jobs[1].id)
        await staying


async def test_a_valkey_that_is_away_misses_beats_and_gets_the_later_ones(
    own_valkey: OwnValkey, caplog: pytest.LogCaptureFixture
) -> None:
    async with generating(Log(redis_client.client())) as attempts, beating(attempts) as beat:

        async def lives() -> bool:
            return "worker-1" in await beat.liveness.alive()

        async def is_noticed() -> bool:
            return "no beat" in caplog.text

        await await_until(lives, 5, "a beat")
        beat.reaper._certain_from = 0
        own_valkey.kill()
        await await_until(is_noticed, 10, "a beat is missed")
        assert doubts(beat.reaper)
        await asyncio.to_thread(own_valkey.start)
        await beat.liveness.leave("worker-1")
        await await_until(lives, 10, "a beat again")


async def test_a_beat_that_was_gone_makes_all_beats_doubtful(log: Log) -> None:
    async with generating(log) as attempts:
        liveness = Heartbeats(redis_client.client())
        reaper = Reaper("worker-1", liveness, log)
        beat = Heartbeat("worker-1", "first@host", [], attempts, liveness, reaper)
        for loses_its_beats in (True, False, True):
            if loses_its_beats:
                await redis_client.client().flushall()
            reaper._certain_from = 0
            await beat.beat()
            assert doubts(reaper) == loses_its_beats

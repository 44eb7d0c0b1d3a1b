"""Redis blips, dies, returns with or without its data, freezes, fills up, falls mute: the answers go on."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from urllib.request import urlopen

import pytest

from tests.faults.checker import Findings
from tests.faults.harness import Rig, rigged
from tests.faults.load import all_end, crowd, hears_on
from tests.faults.recording_client import Witness
from tests.harness.socket_client import cookie, visiting
from tests.harness.waiting import await_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

TALK = "words-120@20:talk"  # 6 s
BRIEF = "words-30@60:brief"
TWENTY = [TALK] * 20
END_SECS = 60
FLOWS_SECS = 4  # from the start of Redis to the next piece of text
SERVED_SECS = 1  # the longest that an event loop of the web server may be busy with something else
BUSY_SECS = 5  # the longest that a visitor may wait to hear that nothing can be taken now


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rigged(tmp_path_factory.mktemp("redis"), [BRIEF, TALK]) as parts:
        yield parts


@pytest.fixture(autouse=True)
def _nobody_fell(rig: Rig) -> Iterator[None]:
    """Whatever Redis does, web server and workers stay up, and take work again."""
    before = {name: process.popen.pid for name, process in rig.stack.processes.items() if name != "redis"}
    yield
    rig.stack.wait_for_workers(2)
    assert {n: rig.stack.processes[n].popen.pid for n in before} == before
    assert all(rig.stack.processes[name].popen.poll() is None for name in before)
    asyncio.run(_ask(rig))


async def _ask(rig: Rig) -> None:
    async with visiting(rig.stack.url) as visitor:
        assert (await visitor.answer(BRIEF))[-1]["type"] == "response.completed"


def assert_all_completed(findings: Findings, count: int) -> None:
    """Every answer came to its good end, and nothing was lost or doubled on the way."""
    assert not findings.counts, findings.table()
    assert findings.statuses == {"completed": count}


async def test_a_blip_is_not_noticed(rig: Rig) -> None:
    async with crowd(rig, TWENTY) as witnesses:
        rig.web_to_redis.break_connections()
        rig.workers_to_redis.break_connections()
        findings = await all_end(rig, witnesses, END_SECS)
    assert_all_completed(findings, 20)


async def test_redis_killed_and_started_with_its_data(rig: Rig) -> None:
    async with crowd(rig, TWENTY) as witnesses:
        await asyncio.to_thread(rig.kill_redis)
        await asyncio.to_thread(rig.start_redis)
        await await_until(hears_on(witnesses, time.time()), FLOWS_SECS, "the text flows again")
        findings = await all_end(rig, witnesses, END_SECS)
    assert_all_completed(findings, 20)


async def test_redis_killed_and_started_without_its_data(rig: Rig) -> None:
    async with crowd(rig, TWENTY) as witnesses:
        await asyncio.to_thread(rig.kill_redis)
        rig.lose_data()
        await asyncio.to_thread(rig.start_redis)
        await await_until(hears_on(witnesses, time.time()), FLOWS_SECS, "the text flows again")
        findings = await all_end(rig, witnesses, END_SECS)
    assert_all_completed(findings, 20)


async def test_redis_killed_and_started_with_older_data(rig: Rig) -> None:
    async with crowd(rig, TWENTY) as witnesses:
        rig.remember_data()
        before = [witness.last for witness in witnesses]
        await await_until(_all_beyond(witnesses, before), 5, "every reader has heard more than that")
        await asyncio.to_thread(rig.kill_redis)
        rig.bring_older_data_back()
        await asyncio.to_thread(rig.start_redis)
        await await_until(hears_on(witnesses, time.time()), FLOWS_SECS, "the text flows again")
        findings = await all_end(rig, witnesses, END_SECS)
    assert_all_completed(findings, 20)


def _all_beyond(witnesses: list[Witness], places: list[int]) -> Callable[[], Awaitable[bool]]:
    async def beyond() -> bool:
        return all(w.last > place + 5 for w, place in zip(witnesses, places, strict=True))

    return beyond


async def test_redis_that_forgets_everything_in_the_middle(rig: Rig) -> None:
    async with crowd(rig, TWENTY) as witnesses:
        rig.stack.redis("FLUSHALL")
        await await_until(hears_on(witnesses, time.time()), FLOWS_SECS, "the text flows again")
        findings = await all_end(rig, witnesses, END_SECS)
    assert_all_completed(findings, 20)


async def hears_busy(rig: Rig) -> None:
    """Who asks hears "busy" in time; and meanwhile the web server's event loop goes on serving others."""
    began = time.monotonic()
    async with visiting(rig.stack.url) as visitor:
        await visitor.create(BRIEF)
        refusal = asyncio.create_task(visitor.next())
        while not refusal.done():
            with await asyncio.to_thread(urlopen, f"{rig.stack.url}/healthz", timeout=SERVED_SECS) as reply:
                assert reply.status == 200
        assert (await refusal)["error"]["code"] == "busy"
    assert time.monotonic() - began < BUSY_SECS + 1  # a visit of the page, and the command


async def test_redis_frozen_for_half_a_minute(rig: Rig) -> None:
    async with crowd(rig, TWENTY) as witnesses:
        rig.freeze("redis")
        frozen_at = time.monotonic()
        await hears_busy(rig)
        await asyncio.sleep(max(0, frozen_at + 30 - time.monotonic()))  # the fault itself takes this long
        rig.thaw("redis")
        findings = await all_end(rig, witnesses, END_SECS)
    assert_all_completed(findings, 20)


async def test_redis_that_is_full(rig: Rig) -> None:
    async with crowd(rig, TWENTY) as witnesses:
        rig.stack.redis("CONFIG", "SET", "maxmemory", "1")
        await hears_busy(rig)
        rig.stack.redis("CONFIG", "SET", "maxmemory", "0")
        findings = await all_end(rig, witnesses, END_SECS)
    assert_all_completed(findings, 20)


async def test_redis_that_is_full_when_a_job_is_delivered(rig: Rig) -> None:
    """What a worker writes just then is refused: that is no reason for it to end."""
    session = await cookie(rig.stack.url)  # first: a worker may hold the database's lock when it freezes
    for worker in rig.workers:
        rig.freeze(worker)
    witnesses = [Witness(rig.stack.url, session, BRIEF) for _ in rig.workers]
    pushed = _pushed(rig)
    readings = [asyncio.create_task(witness.read()) for witness in witnesses]
    await await_until(_delivered(rig, pushed + 2), 5, "each frozen worker has a message on its way")
    rig.stack.redis("CONFIG", "SET", "maxmemory", "1")
    for worker in rig.workers:
        rig.thaw(worker)
    await await_until(_all_refused(rig), 10, "both workers were refused")
    rig.stack.redis("CONFIG", "SET", "maxmemory", "0")
    findings = await all_end(rig, witnesses, END_SECS)
    for reading in readings:
        reading.cancel()
    assert_all_completed(findings, 2)


def _pushed(rig: Rig) -> int:
    """How many messages Redis was given so far, to whatever queue."""
    return int(rig.stack.redis("INFO", "commandstats").get("cmdstat_lpush", {"calls": 0})["calls"])


def _delivered(rig: Rig, pushed: int) -> Callable[[], Awaitable[bool]]:
    async def delivered() -> bool:
        return _pushed(rig) >= pushed and rig.stack.redis("LLEN", "responses") == 0

    return delivered


def _all_refused(rig: Rig) -> Callable[[], Awaitable[bool]]:
    async def refused() -> bool:
        said = [rig.stack.processes[worker].said() for worker in rig.workers]
        return all("OutOfMemoryError" in text for text in said)

    return refused


async def test_redis_that_accepts_and_stays_mute(rig: Rig) -> None:
    async with crowd(rig, TWENTY) as witnesses:
        rig.web_to_redis.stall()
        rig.workers_to_redis.stall()
        await hears_busy(rig)
        rig.web_to_redis.mend()
        rig.workers_to_redis.mend()
        findings = await all_end(rig, witnesses, END_SECS)
    assert_all_completed(findings, 20)

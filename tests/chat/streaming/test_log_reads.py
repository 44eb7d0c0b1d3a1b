"""Reads of many readers: few at once, one for all who wait for the same, none older than its reader."""

import asyncio
from typing import Any

import pytest

from chat.streaming import log_reads as module
from chat.streaming.log_reads import MAX_READS, LogReads, log_reads
from chat.transport.event_log import LogError
from tests.harness.waiting import await_until, deadline


class SlowLog:
    """A log whose reads end when they may."""

    def __init__(self) -> None:
        self.begun: list[tuple[Any, ...]] = []
        self.may_end = asyncio.Event()
        self.error: Exception | None = None

    async def read(self, *what: Any) -> list[Any]:
        self.begun.append(what)
        await self.may_end.wait()
        if self.error:
            raise self.error
        return list(what)

    async def state(self, response_id: str) -> Any:
        return await self.read(response_id)


@pytest.fixture
async def log() -> Any:
    return SlowLog()


async def start(reads: LogReads, log: Any, *names: str) -> "list[asyncio.Task[Any]]":
    """A task for each read; when they are returned, all have begun or wait."""
    tasks = [asyncio.create_task(reads.entries(log, name, 0, 50)) for name in names]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


FIRST = [f"first {number}" for number in range(MAX_READS)]


async def test_few_are_read_at_once_and_the_others_in_turn(log: Any) -> None:
    reads = LogReads()
    tasks = await start(reads, log, *FIRST, "next", "last")
    assert [name for name, *_ in log.begun] == FIRST
    log.may_end.set()
    replies = await asyncio.wait_for(asyncio.gather(*tasks), deadline())
    assert replies == [[name, 0, 50] for name in (*FIRST, "next", "last")]
    assert [name for name, *_ in log.begun] == [*FIRST, "next", "last"]


async def test_all_who_wait_for_the_same_share_one_read(log: Any) -> None:
    reads = LogReads()
    before = await start(reads, log, *FIRST)
    tasks = await start(reads, log, "same", "same", "same")
    log.may_end.set()
    replies = await asyncio.wait_for(asyncio.gather(*tasks, *before), deadline())
    assert log.begun.count(("same", 0, 50)) == 1
    assert replies[0] is replies[1] is replies[2]


async def test_a_read_that_has_begun_is_not_shared_with_a_later_reader(log: Any) -> None:
    reads = LogReads()
    tasks = await start(reads, log, "same")
    tasks += await start(reads, log, "same")
    log.may_end.set()
    await asyncio.wait_for(asyncio.gather(*tasks), deadline())
    assert log.begun.count(("same", 0, 50)) == 2


async def test_a_reader_that_leaves_takes_the_read_from_no_other(log: Any) -> None:
    reads = LogReads()
    before = await start(reads, log, *FIRST)
    leaving, staying = await start(reads, log, "same", "same")
    leaving.cancel()
    log.may_end.set()
    assert await asyncio.wait_for(staying, deadline()) == ["same", 0, 50]
    assert leaving.cancelled()
    await asyncio.gather(*before)


async def test_an_error_is_raised_at_all_and_the_next_has_its_turn(log: Any) -> None:
    reads = LogReads()
    log.error = LogError("unavailable")
    log.may_end.set()
    tasks = await start(reads, log, *(["same"] * 2 + FIRST) * 2)
    replies = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), deadline())
    assert {type(reply) for reply in replies} == {LogError}
    log.error = None
    state: Any = await asyncio.wait_for(reads.state(log, "state"), deadline())
    assert state == ["state"]


async def test_without_a_turn_in_time_the_log_is_unavailable(
    log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAIT_SECS", 0.01)
    reads = LogReads()
    before = await start(reads, log, *FIRST)
    with pytest.raises(LogError):
        await asyncio.wait_for(reads.entries(log, "late", 0, 50), deadline())
    log.may_end.set()
    await asyncio.gather(*before)
    await await_until(lambda: not reads._waiting, 5, "none waits")


async def test_a_loop_has_its_own() -> None:
    assert log_reads() is log_reads()
    assert await asyncio.to_thread(asyncio.run, _another()) is not log_reads()


async def _another() -> LogReads:
    return log_reads()

"""Reads of logs by all readers of a process: few at once, and one for all who wait for the same.

After a reconnect of many, or a pause, each reads at once; a read may hold a megabyte.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from chat.protocol.state import ResponseState
from chat.transport.event_log import Entry, Log, LogError

MAX_READS = 4  # at once: enough to keep the process busy
WAIT_SECS = 10  # for a turn

T = TypeVar("T")

_reads: WeakKeyDictionary[asyncio.AbstractEventLoop, "LogReads"] = WeakKeyDictionary()


class LogReads:
    """The reads of one event loop. Raises LogError, also without a turn in WAIT_SECS."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(MAX_READS)
        self._waiting: dict[Hashable, asyncio.Task[Any]] = {}

    async def entries(self, log: Log, response_id: str, after: int, count: int) -> list[Entry]:
        """Entries after a sequence number."""
        return await self._in_turn((response_id, after, count), lambda: log.read(response_id, after, count))

    async def state(self, log: Log, response_id: str) -> ResponseState | None:
        """The whole log folded; change nothing in it."""
        return await self._in_turn(response_id, lambda: log.state(response_id))

    async def _in_turn(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        task: asyncio.Task[T] | None = self._waiting.get(key)
        if task is None:
            task = self._waiting[key] = asyncio.create_task(self._read(key, read))
            task.add_done_callback(_retrieved)
        return await asyncio.shield(task)

    async def _read(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(WAIT_SECS):
                await self._turns.acquire()
        except TimeoutError as error:
            message = f"no turn to read a log in {WAIT_SECS} s"
            raise LogError(message) from error
        finally:
            del self._waiting[key]  # one that comes now may want a newer event than this read has
        try:
            return await read()
        finally:
            self._turns.release()


def log_reads() -> LogReads:
    """Those of the running loop."""
    return _reads.setdefault(asyncio.get_running_loop(), LogReads())


def _retrieved(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()  # all who wanted it may have left

"""A TCP proxy on loopback between two parts, with network faults: cut, stall, delay, lost notifications.

It runs in a separate thread, independent of the test's event loop, which may block.
"""

import asyncio
import random
import ssl
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self, TypeVar

from project.up.ports import HOST
from tests.faults.resp import Splitter, is_notification
from tests.harness.processes import free_port
from tests.harness.waiting import deadline, end_tasks

READ_BYTES = 65_536

T = TypeVar("T")
Loses = Callable[[bytes], bool]  # whether a notification is lost


class Proxy:
    """The proxy between two parts. Every method may be called from any thread."""

    def __init__(self, target_port: int, tls: ssl.SSLContext | None = None) -> None:
        self.port = free_port()
        self.seen_notifications = 0  # while some are lost
        self.lost_notifications = 0
        self._target_port = target_port
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._flows.set()
        self._delay_secs = 0.0
        self._loses: Loses | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @classmethod
    @contextmanager
    def to(cls, target_port: int, tls: ssl.SSLContext | None = None) -> Iterator[Self]:
        """Listen on a free port until the block ends; `tls`: end TLS here."""
        proxy = cls(target_port, tls)
        thread = threading.Thread(target=proxy._loop.run_forever, name=f"proxy {proxy.port}", daemon=True)
        thread.start()
        try:
            proxy._call(proxy._listen())
            yield proxy
        finally:
            proxy.cut()
            proxy._loop.call_soon_threadsafe(proxy._loop.stop)
            thread.join()
            proxy._loop.close()

    def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        self._call(self._cut())

    def break_connections(self) -> None:
        """Break every connection; new ones are accepted."""
        self._call(self._break())

    def move(self, target_port: int) -> None:
        """Forward new connections to another target, as an address that moves; open ones stay."""
        self._target_port = target_port

    def stall(self) -> None:
        """Accept connections and data, and forward nothing, in either direction."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def delay(self, secs: float) -> None:
        """Forward everything this much later."""
        self._delay_secs = secs

    def lose_notifications(self, loses: Loses) -> None:
        """On new connections, drop the pub/sub messages for which `loses` returns true."""
        self._loses = loses

    def mend(self) -> None:
        """End all faults; stalled data is forwarded now."""
        self._delay_secs, self._loses = 0.0, None
        self._call(self._listen())
        self._loop.call_soon_threadsafe(self._flows.set)

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(deadline())

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(
                self._accept, HOST, self.port, backlog=1024, ssl=self._tls
            )

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._break()

    async def _break(self) -> None:
        await end_tasks(list(self._connections))

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._connect(reader, writer)
        except (OSError, asyncio.CancelledError):  # a side has closed, or a fault breaks the connection
            writer.transport.abort()
        finally:
            writer.close()
            self._connections.discard(task)

    async def _connect(self, reader: StreamReader, writer: StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(HOST, self._target_port)
        try:
            async with asyncio.TaskGroup() as directions:
                directions.create_task(self._forward(_chunks(reader), ours))
                directions.create_task(self._forward(self._without_lost(theirs), writer))
        except* (OSError, EOFError):
            writer.transport.abort()
        finally:
            ours.transport.abort()

    async def _forward(self, chunks: AsyncIterator[bytes], writer: StreamWriter) -> None:
        """Forward until the source ends; then both directions end."""
        async for data in chunks:
            if self._delay_secs:
                await asyncio.sleep(self._delay_secs)
            await self._flows.wait()
            writer.write(data)
            await writer.drain()
        await self._flows.wait()  # a stalled network does not forward a close, either
        if writer.can_write_eof():  # not with TLS
            with suppress(OSError):
                writer.write_eof()
        raise EOFError

    async def _without_lost(self, reader: StreamReader) -> AsyncIterator[bytes]:
        """Yield the target's data without the lost notifications."""
        if self._loses is None:  # only Redis's data can be split into replies
            async for data in _chunks(reader):
                yield data
            return
        splitter = Splitter()
        async for data in _chunks(reader):
            for reply in splitter.feed(data):
                if self._loses is not None and is_notification(reply):
                    self.seen_notifications += 1
                    if self._loses(reply):
                        self.lost_notifications += 1
                        continue
                yield reply


async def _chunks(reader: StreamReader) -> AsyncIterator[bytes]:
    while data := await reader.read(READ_BYTES):
        yield data


def some_and_the_last(share: float, seed: int) -> Loses:
    """Lose this share of the notifications, at random, and always the one with a terminal event."""
    dice = random.Random(seed)

    def loses(notification: bytes) -> bool:
        ends = any(b"response." + end in notification for end in (b"completed", b"incomplete", b"failed"))
        return ends or dice.random() < share

    return loses

"""One HTTP request whose answer streams, or takes long; any ASGI server whose `send` waits for its client.

work ─▶ send_text ─▶ a queue of CHUNK_CHARS ─▶ one writer ─▶ `send`, which waits for a slow client.
A full queue pauses the subscriber, which reads the log later.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from chat.streaming.backpressure import ClientConnection, Receive, Send
from chat.streaming.draining import draining
from chat.streaming.long_texts import shared
from chat.transport.task_cancellation import cancel

CHUNK_CHARS = 4 * 1024  # that wait beside the server's buffer, of 64 KiB at most
UNREAD_SECS = 60  # then the client is given up
CLOSE_SECS = 2  # for the server to report the end of an aborted connection

Headers = Iterable[tuple[bytes, bytes]]

logger = logging.getLogger(__name__)


class HttpConnection(ClientConnection):
    """The client of one request, whose body has arrived.

    Either `reply`, or `open`, any `send_text`, `end`. A stream without `end` is aborted, so that no client
    takes it for whole. `scope["abort"]` closes the connection at once, where the server allows it.
    """

    def __init__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        super().__init__(send)
        self.left = asyncio.Event()  # the client has gone, or does not read
        self.moved = False  # this web process stops: another one serves the next request
        self._receive = receive
        self._abort: Callable[[], None] = scope.get("abort", _nothing)
        self._loop = asyncio.get_running_loop()
        self._stopped: asyncio.Future[None] = self._loop.create_future()
        self._wake: asyncio.Future[None] = self._loop.create_future()
        self._waiting: deque[str] = deque()
        self._offset = 0  # of the first one: its sent part
        self._chars = 0  # that wait
        self._is_ending = self._is_complete = False
        self._writer: asyncio.Task[None] | None = None  # of a stream
        self._timer: asyncio.TimerHandle | None = None

    async def serve(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work, and cancel it at `stop`, or when the client leaves. Raises what the work raises.

        Afterward `left` and `moved` say why it was cancelled.
        """
        working, hearing = asyncio.create_task(work), asyncio.create_task(self._hear())
        try:
            await asyncio.wait((working, self._stopped), return_when=asyncio.FIRST_COMPLETED)
        finally:
            draining.remove(self)
            self._stop_timer()
            await cancel([working, *filter(None, [self._writer])])
            if self._writer is not None and not self._is_complete:
                self._abort()
                await asyncio.wait((hearing,), timeout=CLOSE_SECS)
            await cancel([hearing])
        if not working.cancelled():
            working.result()

    def stop(self) -> None:
        """End the request now: `serve` cancels its work."""
        if not self._stopped.done():
            self._stopped.set_result(None)

    async def move(self) -> None:
        """End the request since the process stops: its response continues."""
        self.moved = True
        self.stop()

    async def allow_move(self) -> None:
        """From now on the stop of the process ends the request: it takes longer than the process has."""
        await draining.add(self)

    async def reply(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer."""
        await self._start(status, headers)
        self._is_complete = True  # a server reports the end of an answer like that of a connection
        await self._send({"type": "http.response.body", "body": body})

    async def open(self, status: int, headers: Headers) -> None:
        """Begin a stream; its headers are sent at once."""
        await self._start(status, headers)
        await self._send({"type": "http.response.body", "more_body": True})
        self._writer = asyncio.create_task(self._write())
        await self.allow_move()

    async def send_text(self, text: str) -> None:
        """Send a part of the stream, with others of the same moment; pause if the client does not read."""
        self._waiting.append(shared(text) if len(text) > CHUNK_CHARS else text)
        self._chars += len(text)
        self._wake_writer()
        if self._chars >= CHUNK_CHARS:
            await asyncio.sleep(0)  # the writer takes it, unless it waits
            if self._chars >= CHUNK_CHARS and not self.paused:
                self.paused = True
                self._start_timer()

    async def end(self) -> None:
        """Send the rest, and complete the stream."""
        self._is_ending = True
        self._wake_writer()
        self._start_timer()
        assert self._writer is not None, "the stream is open"
        await asyncio.wait((self._writer,))

    async def _start(self, status: int, headers: Headers) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": list(headers)})

    async def _write(self) -> None:
        while not self._is_complete:
            if not self._waiting and not self._is_ending:
                self._wake = self._loop.create_future()
                await self._wake
            body = self._next_part().encode()
            self._is_complete = self._is_ending and not self._waiting
            self._note_progress()
            await self._send({"type": "http.response.body", "body": body, "more_body": not self._is_complete})

    def _next_part(self) -> str:
        """The queue, but of a long text not more than CHUNK_CHARS: the server would hold all of it."""
        if self._chars <= 2 * CHUNK_CHARS and not self._offset:
            part = "".join(self._waiting)
            self._waiting.clear()
        else:
            first = self._waiting[0]
            part = first[self._offset : self._offset + CHUNK_CHARS]
            self._offset += len(part)
            if self._offset == len(first):
                self._waiting.popleft()
                self._offset = 0
        self._chars -= len(part)
        return part

    def _note_progress(self) -> None:
        """The server takes a part: the client reads."""
        if self._is_ending:
            self._start_timer()
        elif self.paused and self._chars < CHUNK_CHARS:
            self.paused = False
            self._stop_timer()
            self.on_resume()
        elif self.paused:
            self._start_timer()

    def _wake_writer(self) -> None:
        if not self._wake.done():
            self._wake.set_result(None)

    async def _hear(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self._is_complete and not self._stopped.done():
            self.left.set()
            self.stop()

    def _start_timer(self) -> None:
        self._stop_timer()
        self._timer = self._loop.call_later(UNREAD_SECS, self._give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _give_up(self) -> None:
        logger.warning("a client has read nothing for %s s: its stream is aborted", UNREAD_SECS)
        self._is_complete = False  # of an end that it has not read
        self.left.set()
        self.stop()


def _nothing() -> None:
    """Close nothing: the server ends the connection when the application has."""

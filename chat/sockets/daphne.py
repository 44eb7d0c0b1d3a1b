"""Back-pressure behind Daphne: pause events for a client that does not read, then close it.

Daphne's `send` never waits: unread frames, and commands sent faster than executed, would fill memory. A
Twisted transport pauses its one push producer at 64 KiB unsent.
"""

import asyncio
import logging
from typing import Any

from chat.protocol.errors import SLOW_READER, CommandError
from chat.streaming.backpressure import Application, ClientConnection, Message, Receive, Send
from chat.streaming.draining import draining

UNREAD_SECS = 60  # then a client's socket is closed; it may reconnect with its cursor
CLOSE_SECS = 10  # from the error event to the abort
SILENT_SECS = 90  # Daphne's --ping-timeout: above both together, so our error event comes first
MAX_UNREAD_FRAMES = 5000  # about 1 MiB of replies and pongs, if the client still sends
MAX_WAITING_COMMANDS = 100  # not yet executed
MAX_WAITING_CHARS = 1024 * 1024  # of these; beyond it a frame more is read

TRANSPORT = ("registerProducer", "unregisterProducer", "pauseProducing", "resumeProducing", "abortConnection")

logger = logging.getLogger(__name__)


class DaphneConnection(ClientConnection):
    """Twisted's producer for one client."""

    def __init__(self, protocol: Any, send: Send) -> None:
        super().__init__(send)
        self._protocol = protocol
        self._transport = protocol.transport
        self._unread = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None
        # until the upgrade the HTTP protocol was the producer: it paused *reading*
        self._transport.unregisterProducer()
        self._transport.registerProducer(self, True)

    async def send_text(self, text: str) -> None:
        """Send one frame directly: the layers between add nothing."""
        if self._protocol.state == self._protocol.STATE_OPEN:
            self._protocol.sendMessage(text.encode())

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name, as the two below
        """The send buffer is full. Called on every write until it drains."""
        self._unread += 1
        if not self.paused:
            self.paused = True
            self._timer = asyncio.get_running_loop().call_later(UNREAD_SECS, self._close_slow_reader)
        elif self._unread > MAX_UNREAD_FRAMES:
            logger.warning("a client sends more and more and reads nothing: its connection is aborted")
            self._transport.abortConnection()

    def resumeProducing(self) -> None:  # noqa: N802
        """The send buffer has drained."""
        self._stop_timer()
        self.paused = False
        self._unread = 0
        self.on_resume()

    def stopProducing(self) -> None:  # noqa: N802
        """The connection is lost."""
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _close_slow_reader(self) -> None:
        logger.warning("a client has read nothing for %s s: its socket is closed", UNREAD_SECS)
        self._transport.unregisterProducer()  # Twisted never closes a transport with a producer
        self._protocol.closeHandshakeTimeout = CLOSE_SECS  # default: one second to read our error event
        self._closing = asyncio.create_task(self._close())
        asyncio.get_running_loop().call_later(CLOSE_SECS, self._transport.abortConnection)

    async def _close(self) -> None:
        await self._send({"type": "websocket.send", "text": CommandError("slow_reader").encode()})
        await self.close(SLOW_READER)


class ReceiveQueue:
    """Daphne's receive queue; reading pauses while too much waits, or for a time."""

    def __init__(self, queue: asyncio.Queue[Message], transport: Any) -> None:
        self._queue, self._transport = queue, transport
        self._chars = 0
        self._is_full = False
        self._timer: asyncio.TimerHandle | None = None  # while reading is stopped for a time

    def put_nowait(self, message: Message) -> None:
        """Called by Daphne. A lost client's waiting commands are dropped: it hears no reply."""
        if message["type"] == "websocket.disconnect":
            self._drop_commands()
        self._put(message)
        too_much = self._queue.qsize() > MAX_WAITING_COMMANDS or self._chars > MAX_WAITING_CHARS
        if not self._is_full and too_much:
            self._is_full = True
            self._transport.pauseProducing()

    async def get(self) -> Message:
        """The application's `receive`."""
        message = await self._queue.get()
        self._chars -= _chars(message)
        if self._is_full and self._queue.empty():
            self._is_full = False
            self._read_on()
        return message

    def stop_reading(self, secs: float) -> None:
        """Read nothing for a time; frames that wait are still received."""
        if self._timer is not None:
            self._timer.cancel()
        self._transport.pauseProducing()
        self._timer = asyncio.get_running_loop().call_later(secs, self._end_stop)

    def _end_stop(self) -> None:
        self._timer = None
        self._read_on()

    def _read_on(self) -> None:
        if not self._is_full and self._timer is None:
            self._transport.resumeProducing()

    def _put(self, message: Message) -> None:
        self._chars += _chars(message)
        self._queue.put_nowait(message)

    def _drop_commands(self) -> None:
        waiting = [self._queue.get_nowait() for _ in range(self._queue.qsize())]
        self._chars = 0
        for message in waiting:
            if message["type"] != "websocket.receive":
                self._put(message)


def _chars(message: Message) -> int:
    return len(message.get("text") or message.get("bytes") or "")


class ClientConnections:
    """Add `scope["connection"]`, and register it for draining. Outermost: it inspects `send`."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Wrap the connection."""
        connection, protocol = ClientConnection(send), _daphnes_protocol(send)
        if protocol is not None:
            connection = DaphneConnection(protocol, send)
            queue = ReceiveQueue(protocol.application_queue, protocol.transport)
            protocol.application_queue, receive = queue, queue.get
            connection.stop_reading = queue.stop_reading

        async def forward(message: Message) -> None:
            if not connection.is_closed:
                await send(message)
            if message["type"] == "websocket.accept":
                await draining.add(connection)

        try:
            await self._application(scope | {"connection": connection}, receive, forward)
        finally:
            draining.remove(connection)


def _daphnes_protocol(send: Any) -> Any:
    """The protocol in `partial(Server.handle_reply, protocol)`; None: another server."""
    protocol = next(iter(getattr(send, "args", ())), None)
    transport = getattr(protocol, "transport", None)
    known = hasattr(protocol, "application_queue") and all(hasattr(transport, name) for name in TRANSPORT)
    return protocol if known else None

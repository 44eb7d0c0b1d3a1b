"""The client at the other end of a socket: whether it reads, and the end of one that does not.

arrow in: the web server's transport, which says when it is full and when it is empty again
arrow out: `paused`, by which `subscriber` leaves out what can be read from the log later; the end

Daphne's `send` never waits: what a client does not read would pile up in our memory, and so would the frames
that a client sends faster than they are obeyed. Behind that `send` stands a WebSocket protocol on a transport
of Twisted, which takes one producer, and pauses it while more than 64 KiB wait to be sent
(https://docs.twisted.org/en/stable/core/howto/producers.html). Other servers wait in `send`: there, a peer
always reads.
"""

import asyncio
import logging
from typing import Any

from chat.protocol.errors import SLOW_READER, CommandError
from chat.streaming.backpressure import Application, ClientConnection, Message, Receive, Send

UNREAD_SECS = 60  # a socket that is not read for so long is closed: its client may come back with its cursor
CLOSE_SECS = 10  # from the reason to the end of the connection
SILENT_SECS = 90  # Daphne's --ping-timeout: more than the two above, so that our reason comes first
MAX_UNREAD_FRAMES = 5000  # replies and pongs to a client that asks and does not read, about 1 MiB
MAX_UNOBEYED = 100  # commands that wait for the one before them

# what we need of the transport
TRANSPORT = ("registerProducer", "unregisterProducer", "pauseProducing", "resumeProducing", "abortConnection")

logger = logging.getLogger(__name__)


class DaphneConnection(ClientConnection):
    """A client behind Daphne: the producer of its transport, in Twisted's words."""

    def __init__(self, protocol: Any, send: Send) -> None:
        super().__init__(send)
        self._protocol = protocol
        self._transport = protocol.transport
        self._unread = 0
        self._patience: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None
        # the HTTP connection that this was once stopped *reading* when too much waited to be sent
        self._transport.unregisterProducer()
        self._transport.registerProducer(self, True)

    async def send_text(self, text: str) -> None:
        """Send one frame, straight to the protocol: every layer in between looks for what a frame is not."""
        if self._protocol.state == self._protocol.STATE_OPEN:
            self._protocol.sendMessage(text.encode())

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name, as the two below
        """The transport is full; it says so again at everything that is written from now on."""
        self._unread += 1
        if not self.paused:
            self.paused = True
            self._patience = asyncio.get_running_loop().call_later(UNREAD_SECS, self._give_up)
        elif self._unread > MAX_UNREAD_FRAMES:
            logger.warning("a socket asks for more and more that it does not read: it is dropped")
            self._transport.abortConnection()

    def resumeProducing(self) -> None:  # noqa: N802
        """The transport is empty."""
        self._be_patient()
        self.paused = False
        self._unread = 0
        self.on_resume()

    def stopProducing(self) -> None:  # noqa: N802
        """The connection is lost."""
        self._be_patient()

    def _be_patient(self) -> None:
        if self._patience is not None:
            self._patience.cancel()

    def _give_up(self) -> None:
        logger.warning("a socket was not read for %s s: it is closed", UNREAD_SECS)
        self._transport.unregisterProducer()  # Twisted never closes what a producer still holds
        self._protocol.closeHandshakeTimeout = CLOSE_SECS  # else it has one second to read up to our reason
        self._closing = asyncio.create_task(self._close())
        asyncio.get_running_loop().call_later(CLOSE_SECS, self._transport.abortConnection)

    async def _close(self) -> None:
        await self._send({"type": "websocket.send", "text": CommandError("slow_reader").encode()})
        await self._send({"type": "websocket.close", "code": SLOW_READER})


class ReceiveQueue:
    """Daphne's queue of what a client sent, with an end: the connection is not read while too much waits."""

    def __init__(self, queue: asyncio.Queue[Message], transport: Any) -> None:
        self._queue, self._transport = queue, transport
        self._paused = False

    def put_nowait(self, message: Message) -> None:
        """Take what came; Daphne calls this."""
        self._queue.put_nowait(message)
        if not self._paused and self._queue.qsize() > MAX_UNOBEYED:
            self._paused = True
            self._transport.pauseProducing()

    async def get(self) -> Message:
        """Give out the next one: the application's `receive`."""
        message = await self._queue.get()
        if self._paused and self._queue.empty():
            self._paused = False
            self._transport.resumeProducing()
        return message


class ClientConnections:
    """The sockets' application with a `peer` in the scope; the outermost, as it looks behind `send`."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Meet the client, and let the application serve it."""
        peer, protocol = ClientConnection(send), _daphnes_protocol(send)
        if protocol is not None:
            peer = DaphneConnection(protocol, send)
            inbox = ReceiveQueue(protocol.application_queue, protocol.transport)
            protocol.application_queue, receive = inbox, inbox.get
        await self._application(scope | {"connection": peer}, receive, send)


def _daphnes_protocol(send: Any) -> Any:
    """The protocol in `partial(Server.handle_reply, protocol)`; None if the `send` is another server's."""
    protocol = next(iter(getattr(send, "args", ())), None)
    transport = getattr(protocol, "transport", None)
    known = hasattr(protocol, "application_queue") and all(hasattr(transport, name) for name in TRANSPORT)
    return protocol if known else None

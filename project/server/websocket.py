"""WebSockets with limits: a message within a time, the memory of all that arrive, open handshakes."""

from typing import Any

from daphne.ws_protocol import WebSocketFactory as DaphneFactory
from daphne.ws_protocol import WebSocketProtocol

from chat.protocol.errors import MOVING
from project.server import limits

POLICY_VIOLATION = 1008


class BoundedSocket(WebSocketProtocol):
    """One socket."""

    closeHandshakeTimeout: float  # noqa: N815 - Autobahn's name, in seconds
    _deadline: Any = None
    _arrived = 0  # bytes of a message that is not complete

    def onConnect(self, request: Any) -> Any:  # noqa: N802 - Autobahn's name, as those below
        """Begin the handshake."""
        self.factory.server_class.handshakes.add(self)
        return super().onConnect(request)

    def onOpen(self) -> None:  # noqa: N802
        """End the handshake."""
        self.factory.server_class.handshakes.discard(self)
        super().onOpen()

    def onMessageBegin(self, isBinary: bool) -> None:  # noqa: N802, N803
        """Expect the rest of a message."""
        self._deadline = self.factory.reactor.callLater(limits.MESSAGE_SECS, self._too_late)
        super().onMessageBegin(isBinary)

    def onMessageFrameData(self, payload: bytes) -> None:  # noqa: N802
        """Take a part of a message; abort the oldest long one for which the process has no room."""
        server = self.factory.server_class
        self._arrived += len(payload)
        server.arriving += len(payload)
        if self._arrived > limits.LONG_MESSAGE_BYTES:
            server.long_messages.setdefault(self)
            while server.arriving > limits.MESSAGES_BYTES and server.long_messages:
                next(iter(server.long_messages)).give_up()
        if self._arrived:
            super().onMessageFrameData(payload)

    def give_up(self) -> None:
        """Abort the connection with its incomplete message."""
        self._expect_nothing()
        self.transport.abortConnection()

    def onMessageEnd(self) -> None:  # noqa: N802
        """Process the message."""
        self._expect_nothing()
        super().onMessageEnd()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        """Release the connection."""
        self.factory.server_class.handshakes.discard(self)
        self._expect_nothing()
        super().connectionLost(reason)

    def serverClose(self, code: int | None = None) -> None:  # noqa: N802
        """Close; Autobahn's `sendClose` refuses the codes that are a server's own.

        A socket that is aborted before its client reads the frame has no code: its client does not know why.
        """
        self.closeHandshakeTimeout = max(self.closeHandshakeTimeout, limits.CLOSE_SECS)  # default: 1
        if code == MOVING:
            self.sendCloseFrame(code=code)
        else:
            super().serverClose(code)

    def _expect_nothing(self) -> None:
        self.factory.server_class.arriving -= self._arrived
        self.factory.server_class.long_messages.pop(self, None)
        self._arrived = 0
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()

    def _too_late(self) -> None:
        self.sendCloseFrame(code=POLICY_VIOLATION)


class WebSocketFactory(DaphneFactory):
    """Makes such sockets."""

    protocol = BoundedSocket

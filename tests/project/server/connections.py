"""A connection to the web server's channel, without a network: bytes in, bytes out, time by hand."""

from types import SimpleNamespace
from typing import Any

from daphne.server import Server  # first: it installs the reactor
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from project.server.http import BoundedChannel, HTTPFactory


class Transport(StringTransport):
    """Remembers how it was closed."""

    half_closed = aborted = False

    def loseWriteConnection(self) -> None:  # noqa: N802 - Twisted's name
        self.half_closed = True

    def abortConnection(self) -> None:  # noqa: N802 - Twisted's name
        self.aborted = True


class Connection:
    """One client. `received` holds the body of each request that reached the application."""

    def __init__(self, handshakes: int = 0) -> None:
        self.clock = Clock()
        self.received: list[bytes] = []
        self.factory = HTTPFactory(self._server(handshakes))
        self.factory.reactor = self.clock
        self.open()

    def open(self) -> Transport:
        """Connect once more, to the same server."""
        self.transport = Transport()
        self.channel: BoundedChannel = self.factory.buildProtocol(self.transport.getPeer())
        self.channel.makeConnection(self.transport)
        return self.transport

    def _server(self, handshakes: int) -> Any:
        def create(protocol: Any, scope: dict[str, Any]) -> Any:
            self.received.append(b"")
            return SimpleNamespace(put_nowait=self._take)

        return SimpleNamespace(
            handshakes=set(range(handshakes)),
            protocol_connected=lambda protocol: None,
            protocol_disconnected=lambda protocol: None,
            proxy_forwarded_address_header=None,
            root_path="",
            server_name="",
            log_action=lambda *details: None,
            request_buffer_size=Server(None, ["none"]).request_buffer_size,
            create_application=create,
        )

    def _take(self, message: dict[str, Any]) -> None:
        self.received[-1] += message.get("body", b"")

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.channel.dataReceived(part)

    def reply(self) -> None:
        """Answer the oldest request."""
        request = self.channel.requests[0]
        request.handle_reply({"type": "http.response.start", "status": 200, "headers": []})
        request.handle_reply({"type": "http.response.body", "body": b"ok"})

    @property
    def status(self) -> str:
        """The status line's code, or nothing."""
        return str(self.transport.value().partition(b" ")[2][:3], "ascii")

    @property
    def is_closed(self) -> bool:
        return bool(self.transport.disconnecting or self.transport.aborted)

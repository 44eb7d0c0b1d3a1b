"""Daphne with our connections."""

from typing import Any

from daphne import server as daphne

from chat.protocol.commands import MAX_SERVER_FRAME_BYTES
from chat.sockets.daphne import SILENT_SECS
from project.server import limits
from project.server.http import HTTPFactory
from project.server.websocket import BoundedSocket, WebSocketFactory


class BoundedServer(daphne.Server):
    """Daphne with the limits of `limits.py`; those of frames exceed ours, whose refusal is an event."""

    def __init__(self, application: Any, **options: Any) -> None:
        ours = {
            "websocket_connect_timeout": limits.HANDSHAKE_SECS,
            "ping_timeout": SILENT_SECS,
            "server_name": "",
        }
        sizes = dict.fromkeys(
            ("websocket_max_message_size", "websocket_max_frame_size"), MAX_SERVER_FRAME_BYTES
        )
        super().__init__(application, **ours | options | sizes)
        self.websocket_handshake_timeout = self.websocket_connect_timeout
        self.handshakes: set[BoundedSocket] = set()

    def run(self) -> None:
        """Serve until stopped. Daphne's `run` offers no other way to choose the factories."""
        daphne.HTTPFactory, daphne.WebSocketFactory = HTTPFactory, WebSocketFactory
        super().run()

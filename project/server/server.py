"""Daphne with our connections."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from daphne import server as daphne
from django.urls import reverse
from twisted.internet.defer import Deferred

from chat.conf import conf
from chat.files.spool import most_form_bytes
from chat.protocol.commands import MAX_SERVER_FRAME_BYTES
from chat.sockets.daphne import SILENT_SECS
from chat.streaming.draining import draining
from chat.transport.task_cancellation import cancel
from project.server import limits
from project.server.http import BoundedRequest, HTTPFactory
from project.server.websocket import BoundedSocket, WebSocketFactory

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
END_SECS = 5  # for requests and close handshakes after the last close, and again for cancelled ones


async def _drained(reply: Coroutine[Any, Any, None], request: BoundedRequest) -> None:
    await reply
    if request.channel is not None:  # else the client has left
        await request.channel.drained()


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
        for uploads in (reverse("files"), f"{limits.API_PREFIX}files"):
            limits.BODIES[self.root_path + uploads] = most_form_bytes()
        limits.API_BODIES[self.root_path + limits.API_PREFIX] = conf.API_BODY_BYTES
        self.websocket_handshake_timeout = self.websocket_connect_timeout
        self.handshakes: set[BoundedSocket] = set()
        self.arriving = 0  # bytes of incomplete messages of all sockets
        self.long_messages: dict[BoundedSocket, None] = {}  # sockets with a long incomplete one, oldest first

    def run(self) -> None:
        """Serve until stopped. Daphne's `run` offers no other way to choose the factories."""
        daphne.HTTPFactory, daphne.WebSocketFactory = HTTPFactory, WebSocketFactory
        if self.signal_handlers:
            self.signal_handlers: bool = False  # Twisted's take a second signal for an error
            for number in STOP_SIGNALS:
                daphne.twisted_loop.add_signal_handler(number, self._stop_once)
        super().run()

    def handle_reply(self, protocol: Any, message: dict[str, Any]) -> Coroutine[Any, Any, None]:
        """Send a message; the sender of an answer of unknown length waits while the client does not read.

        One with a length is in memory already: the transport holds it, which bounds what all hold. Not a
        coroutine function: a message of a socket takes no further step of the event loop.
        """
        reply: Coroutine[Any, Any, None] = super().handle_reply(protocol, message)
        if message["type"] == "http.response.start":
            protocol.has_length = any(name.lower() == b"content-length" for name, _ in message["headers"])
            if protocol.channel is not None and not protocol.has_length:
                protocol.channel.transport.bufferSize = limits.STREAM_BYTES
        waits = message.get("more_body") and not protocol.has_length
        return _drained(reply, protocol) if waits else reply

    def kill_all_applications(self) -> Deferred[None]:
        """Close the sockets, let requests end; Twisted waits for it before it exits."""
        return Deferred.fromFuture(asyncio.ensure_future(self._end()))

    def _stop_once(self) -> None:
        for number in STOP_SIGNALS:
            daphne.twisted_loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)  # a second one ends the process at once
        self.stop()

    async def _end(self) -> None:
        await draining.run(conf.WEB_DRAIN_SECONDS)
        running = [details.get("application_instance") for details in self.connections.values()]
        applications = [application for application in running if application is not None]
        if applications:
            await asyncio.wait(applications, timeout=END_SECS)
            with suppress(TimeoutError):
                async with asyncio.timeout(END_SECS):
                    await cancel(applications)

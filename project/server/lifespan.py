"""The application for servers other than ours: ASGI's lifespan, and a warning where nothing is bounded."""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

from daphne.server import Server

from chat.conf import conf
from chat.streaming.backpressure import Application, Receive, Send
from chat.streaming.draining import draining
from project.server.server import STOP_SIGNALS, BoundedServer

Handler = Callable[[int, FrameType | None], Any]

logger = logging.getLogger(__name__)


class Lifespan:
    """End the streams of a stopping server, and the sockets that it has left open.

    uvicorn closes all sockets at once, waits for streams, then ends the lifespan: so streams end from its
    signal on. `serve` does it all itself: Daphne has no lifespan.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._is_known = False

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection, or the process's lifespan."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if not self._is_known:
            self._is_known = True
            _warn_without_limits(send)
        await self._application(scope, receive, send)


async def _live(receive: Receive, send: Send) -> None:
    await receive()
    async with asyncio.TaskGroup() as tasks:
        _at_stop_signals(lambda: tasks.create_task(draining.run(conf.WEB_DRAIN_SECONDS)))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await draining.run(conf.WEB_DRAIN_SECONDS)
    await send({"type": "lifespan.shutdown.complete"})


def _at_stop_signals(call: Callable[[], Any]) -> None:
    """Call it at a signal to stop, beside what the server does."""
    loop = asyncio.get_running_loop()

    def handle(servers: Handler, number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(call)
        servers(number, frame)

    if threading.current_thread() is threading.main_thread():
        for number in STOP_SIGNALS:
            servers = signal.getsignal(number)
            if callable(servers):
                signal.signal(number, partial(handle, servers))


def _warn_without_limits(send: Any) -> None:
    server = getattr(getattr(send, "func", None), "__self__", None)
    if isinstance(server, Server) and not isinstance(server, BoundedServer):
        logger.warning("Plain Daphne reads bodies of any size for any time: use `manage.py serve`.")

"""The application for servers other than ours: ASGI's lifespan, and a warning where nothing is bounded."""

import logging
from typing import Any

from daphne.server import Server

from chat.conf import conf
from chat.streaming.backpressure import Application, Receive, Send
from chat.streaming.draining import draining
from project.server.server import BoundedServer

logger = logging.getLogger(__name__)


class Lifespan:
    """Close the sockets that a stopping server has left open: uvicorn closes all at once, before this.

    `serve` closes them itself: Daphne has no lifespan.
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
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await draining.run(conf.WEB_DRAIN_SECONDS)
    await send({"type": "lifespan.shutdown.complete"})


def _warn_without_limits(send: Any) -> None:
    server = getattr(getattr(send, "func", None), "__self__", None)
    if isinstance(server, Server) and not isinstance(server, BoundedServer):
        logger.warning("Plain Daphne reads bodies of any size for any time: use `manage.py serve`.")

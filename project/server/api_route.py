"""Requests below `/v1/`, in front of Django: no middleware, session or cookie of the page."""

from typing import Any

from channels.routing import URLRouter

from chat.api.routing import http_urlpatterns
from chat.streaming.backpressure import Application, Receive, Send
from project.server.limits import API_PREFIX


class ApiRoute:
    """Route the API's requests; the rest is another application's."""

    def __init__(self, others: Application) -> None:
        self._others = others
        self._api = URLRouter(http_urlpatterns)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path.startswith(API_PREFIX):
            scope = scope | {"path_remaining": path.removeprefix(API_PREFIX)}
            await self._api(scope, receive, send)
        else:
            await self._others(scope, receive, send)

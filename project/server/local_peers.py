"""With DEBUG, answer this machine only, whatever address the server listens on."""

from typing import Any

from chat.streaming.backpressure import Application, Receive, Send
from project.access import is_loopback

REFUSAL = b"DEBUG is on: only this machine is answered. Set SECRET_KEY, and not DEBUG.\n"


class LocalPeers:
    """Refuse a connection whose peer is not on loopback. A Unix socket has no address, and is served."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection, or refuse it. A proxy's headers do not count."""
        client = scope.get("client")
        if not client or is_loopback(client[0]):
            await self._application(scope, receive, send)
        elif scope["type"] == "http":
            headers = [(b"content-type", b"text/plain")]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": REFUSAL})
        else:
            await send({"type": "websocket.close"})

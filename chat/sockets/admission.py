"""Refuse sockets without a user before a channel or a subscription exists."""

from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from chat.conf import conf
from chat.protocol.errors import SIGNED_OUT, CommandError
from chat.streaming.backpressure import Application, Receive, Send


class Admission:
    """In front of a consumer. With `guests`, a client without a user may become one."""

    def __init__(self, consumer: Application, *, guests: bool = False) -> None:
        self._consumer, self._guests = consumer, guests

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one socket, or refuse it: 403 for a stranger, 4401 for a page whose session has ended."""
        owners = parse_qs(scope["query_string"].decode("latin-1")).get("owner")
        if owners not in (None, [str(scope["user"].pk)]):  # the page's unsent messages are another user's
            scope["user"] = AnonymousUser()
        if scope["user"].is_authenticated or (self._guests and conf.GUESTS):
            await self._consumer(scope, receive, send)
            return
        await receive()
        if owners is None and settings.SESSION_COOKIE_NAME not in scope["cookies"]:
            await send({"type": "websocket.close"})
            return
        await accept_to_refuse(send, CommandError("unauthenticated"), SIGNED_OUT)


async def accept_to_refuse(send: Send, error: CommandError, code: int) -> None:
    """Close a new socket with an error and a code: the status of a refused handshake says less."""
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": error.encode()})
    await send({"type": "websocket.close", "code": code})

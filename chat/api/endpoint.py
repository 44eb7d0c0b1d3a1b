"""An address of the API: the key, the body, the errors; a subclass has the methods."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from channels.db import database_sync_to_async

from chat.accounts.api_keys import bearer, find_key
from chat.api import errors
from chat.api.cors import preflight
from chat.api.errors import ErrorReply
from chat.api.exchange import KEY_HEADER, ClientLeftError, Exchange
from chat.conf import conf
from chat.protocol.errors import CommandError, ProtocolError
from chat.streaming.backpressure import Receive, Send
from chat.transport.outages import UNAVAILABLE

METHODS = ("GET", "POST", "DELETE")
LEAVE_SECS = 5  # for what follows when a client has left

Handler = Callable[..., Coroutine[Any, Any, None]]
logger = logging.getLogger(__name__)


class Endpoint:
    """One address. `get`, `post` and `delete` answer an exchange, with the arguments of the path.

    They may raise CommandError, which refuses the request, and the errors of an outage. A client that leaves
    cancels them.
    """

    needs_key: ClassVar[bool] = True

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        exchange = Exchange(scope, receive, send)
        try:
            await self._answer(exchange)
        except ClientLeftError:
            pass
        except CommandError as error:
            await _refuse(exchange, errors.refusal(error))
        except (*UNAVAILABLE, ProtocolError) as error:
            logger.warning("busy: %s", type(error).__name__)
            await _refuse(exchange, errors.refusal(CommandError("busy")))
        except Exception:
            logger.exception("%s failed", exchange.request_id)
            await _refuse(exchange, errors.refusal(CommandError("internal_error")))

    def most_body_bytes(self) -> int:
        """The limit of a body."""
        return conf.API_BODY_BYTES

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.method == "OPTIONS":
            await exchange.reply_empty(preflight(exchange.headers, conf.API_ORIGINS))
            return
        handler = self._handler(exchange)
        if self.needs_key:
            exchange.key = await _key(exchange)
        await exchange.read(self.most_body_bytes())
        connection = exchange.connection
        try:
            await connection.serve(handler(exchange, **exchange.arguments))
        except Exception:
            await _leave(exchange)  # but not when the server cancels: it stops
            raise
        if connection.left.is_set():
            await _leave(exchange)
        if connection.moved and not exchange.has_begun:
            # with the same key it is the same response; no client can return to one that ends with its reader
            may_retry = KEY_HEADER in exchange.headers or exchange.on_left is not None
            exchange.reply_headers["x-should-retry"] = str(may_retry).lower()
            raise CommandError("stopping")

    def _handler(self, exchange: Exchange) -> Handler:
        """The method of this request. Raises CommandError."""
        allowed = [method for method in METHODS if hasattr(self, method.lower())]
        if exchange.method not in allowed:
            exchange.reply_headers["allow"] = ", ".join([*allowed, "OPTIONS"])
            raise CommandError("method_not_allowed")
        handler: Handler = getattr(self, exchange.method.lower())
        return handler


class UnknownUrl(Endpoint):
    """Any other address."""

    needs_key = False

    def _handler(self, exchange: Exchange) -> Handler:
        raise CommandError("unknown_url")


async def _key(exchange: Exchange) -> Any:
    text = bearer(exchange.raw_headers)
    key = await database_sync_to_async(find_key, thread_sensitive=False)(text) if text else None
    if key is None:
        exchange.reply_headers["www-authenticate"] = "Bearer"
        raise CommandError("invalid_api_key")
    return key


async def _refuse(exchange: Exchange, reply: ErrorReply) -> None:
    """Send an error; a reply that has begun is cut off, so that no client takes it for whole."""
    if not exchange.has_begun:
        await exchange.reply(reply.body, reply.status, reply.headers)


async def _leave(exchange: Exchange) -> None:
    """No client reads the reply."""
    if exchange.on_left is None:
        return
    try:
        async with asyncio.timeout(LEAVE_SECS):
            await exchange.on_left()
    except (*UNAVAILABLE, ProtocolError) as error:
        logger.warning("after a client has left: %s", type(error).__name__)

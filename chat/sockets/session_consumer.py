"""A socket that ends with its session and keeps to its user's bounds: the base of both consumers."""

import asyncio
from collections.abc import Hashable
from contextlib import suppress
from typing import Any, NoReturn

from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import timezone

from chat.accounts.renewal import is_due, renew
from chat.accounts.session_watch import SessionWatch, WatchedSession, session_watch
from chat.protocol.errors import SIGNED_OUT, TOO_MANY, CommandError
from chat.sockets import bounds
from chat.sockets.bounds import CommandRate
from chat.streaming.backpressure import ClientConnection, Receive, Send
from chat.streaming.subscriber import Followed


class SessionConsumer(AsyncWebsocketConsumer):
    """Watches the session and the bounds of its user, and closes the socket when they end it."""

    connection: ClientConnection
    session: WatchedSession | None = None
    rate: CommandRate
    _counted: int | None = None  # the user among whose sockets this one counts
    _ending: asyncio.Task[None] | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one socket."""
        self.connection = scope["connection"]
        self.rate = CommandRate()
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.unwatch_session()
            self.uncount()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Handle a message. Channels would first close old connections in a thread; each query does that."""
        await getattr(self, get_handler_name(message))(message)

    async def count(self) -> Followed:
        """Count this socket among its user's, which share the result; beyond the limit close it."""
        owner_id = self.scope["user"].pk
        try:
            followed = bounds.enter(owner_id)
        except CommandError as error:
            await self.accept()
            await self.close_with(error, TOO_MANY)
        self._counted = owner_id
        return followed

    def uncount(self) -> None:
        """Idempotent."""
        if self._counted is not None:
            bounds.leave(self._counted)
            self._counted = None

    async def refuse(self, error: CommandError) -> None:
        """Send an error; read on only when the rate allows a command; after many refusals, close."""
        if self.rate.exhausted:
            await self.close_with(error, TOO_MANY)
        if error.code == "slow_down":
            self.connection.stop_reading(error.retry_after or 0)
        await self.connection.send_text(error.encode())

    def watch(self) -> SessionWatch:
        """The watch of what gives this socket access."""
        return session_watch()

    def watch_session(self, identity: Hashable) -> None:
        """Close the socket within 5 s after the session's end."""
        self.session = self.watch().add(identity, self.end_session)

    def unwatch_session(self) -> None:
        """Idempotent."""
        if self.session is not None:
            self.watch().remove(self.session)

    def end_session(self) -> None:
        """Called when the session has ended."""
        self._ending = asyncio.create_task(self._sign_out_and_stop())

    async def check_session(self, *, returning: bool = False) -> None:
        """Sign out if the session has ended, else extend it if that is due. Raises a database error.

        A reader that is just `returning` saves a query for the expiry: thousands may return at once.
        """
        session = await self.require_session()
        expires_at = session.expires_at
        if is_due(expires_at, timezone.now()) or (expires_at is None and not returning):
            await database_sync_to_async(renew, thread_sensitive=False)(self.scope["session"])

    async def require_session(self) -> WatchedSession:
        """Sign out if the session has ended. Raises a database error."""
        if self.session is None or not await self.session.is_valid():
            await self.sign_out()
        return self.session

    async def sign_out(self) -> NoReturn:
        """Send the error, close, and end the consumer."""
        await self.close_with(CommandError("unauthenticated"), SIGNED_OUT)

    async def close_with(self, error: CommandError, code: int) -> NoReturn:
        """Leave all groups, send the error, close, and end the consumer."""
        self.unwatch_session()
        self.uncount()
        await self.leave()  # first: no events after a sign-out
        await self.connection.send_text(error.encode())
        await self.close(code)
        raise StopConsumer

    async def leave(self) -> None:
        """Leave all groups. Idempotent."""
        raise NotImplementedError

    async def _sign_out_and_stop(self) -> None:
        with suppress(StopConsumer):
            await self.sign_out()

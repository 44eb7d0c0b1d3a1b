"""A socket that ends with its session: the base of both consumers."""

import asyncio
from contextlib import suppress
from typing import Any, NoReturn

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from chat.accounts.session_watch import WatchedSession, session_watch
from chat.accounts.sessions import Identity
from chat.protocol.errors import SIGNED_OUT, CommandError
from chat.streaming.backpressure import ClientConnection, Receive, Send


class SessionConsumer(AsyncWebsocketConsumer):
    """Watches the session of its user, and closes the socket when it ends."""

    connection: ClientConnection
    session: WatchedSession | None = None
    _ending: asyncio.Task[None] | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one socket."""
        self.connection = scope["connection"]
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.unwatch_session()

    def watch_session(self, identity: Identity) -> None:
        """Close the socket within 5 s after the session's end."""
        self.session = session_watch().add(identity, self.end_session)

    def unwatch_session(self) -> None:
        """Idempotent."""
        if self.session is not None:
            session_watch().remove(self.session)

    def end_session(self) -> None:
        """Called when the session has ended."""
        self._ending = asyncio.create_task(self._sign_out_and_stop())

    async def check_session(self) -> None:
        """Sign out if the session has ended. Raises a database error."""
        if self.session is None or not await self.session.is_valid():
            await self.sign_out()

    async def sign_out(self) -> NoReturn:
        """Send the error, close, and end the consumer."""
        await self.close_with(CommandError("unauthenticated"), SIGNED_OUT)

    async def close_with(self, error: CommandError, code: int) -> NoReturn:
        """Leave all groups, send the error, close, and end the consumer."""
        self.unwatch_session()
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

"""One request that follows one response, whatever its reply is made of."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakValueDictionary

from channels.layers import get_channel_layer

from chat.accounts.api_keys import key_watch
from chat.accounts.session_watch import RETRY_SECS, WatchedSession
from chat.api.exchange import Exchange
from chat.models import Response
from chat.protocol.errors import CommandError, ProtocolError
from chat.streaming.cursor import NOTHING
from chat.streaming.subscriber import FULL_SECS, MAX_FOLLOWED, Followed, Subscriber
from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.notifications import Message, owner_group
from chat.transport.outages import UNAVAILABLE, retry
from chat.transport.task_cancellation import cancel

logger = logging.getLogger(__name__)
_followed: WeakValueDictionary[int, Followed] = WeakValueDictionary()  # of owners with a reader here


def require_room(owner_id: int) -> None:
    """Raise CommandError if an owner's requests follow as many responses in this process as they may."""
    followed = _followed.get(owner_id)
    if followed is not None and followed.count >= MAX_FOLLOWED:
        raise CommandError("too_many_followed", retry_after=FULL_SECS)


class Reader:
    """Follows a response for an exchange.

    `on_event` gets each encoded event of the log, in order and once, and the frames of a follower:
    `tailrace:heartbeat` after a silence, `tailrace:queue`, `tailrace:snapshot` where the log is lost.
    `on_followed` is called once after the first events, of which there may be none.
    """

    def __init__(
        self,
        exchange: Exchange,
        on_event: Callable[[str], Awaitable[None]],
        on_followed: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._exchange, self._on_event, self._on_followed = exchange, on_event, on_followed
        self._layer = get_channel_layer()
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(self) -> None:
        """Let `follow` return, also before the response ends. Idempotent."""
        if not self._ended.done():
            self._ended.set_result(None)

    async def follow(self, row: Response, after: int = NOTHING) -> None:
        """Follow after a number; return when the response has ended, or is deleted.

        From the beginning, a row with several attempts begins with a snapshot, which has no dropped ones.
        Raises CommandError if the key ends meanwhile, or the owner's requests follow too many; at the begin
        also an outage's errors.
        """
        channel = await self._layer.new_channel()
        connection, owner_id = self._exchange.connection, self._exchange.owner.pk
        subscriber = Subscriber(channel, self._on_event, Log(redis_client.client()), connection)
        subscriber.of_owner = _followed.setdefault(owner_id, Followed())
        subscriber.on_done = lambda response_id: self.end()
        key = key_watch().add(self._exchange.key.pk, self._end_key)
        listening = asyncio.create_task(self._listen(channel, subscriber, key))
        listening.add_done_callback(self._end_failed)
        try:
            self._layer.group_join(owner_group(owner_id), channel)
            start = None if after == NOTHING and row.attempt > 1 else after
            await subscriber.subscribe(row.wire_id, start, None, row_ended=not row.live, replay=False)
            if self._on_followed is not None:
                await self._on_followed()
            await self._ended
        finally:
            key_watch().remove(key)
            await cancel([listening])
            await subscriber.close()
            await self._layer.group_discard(owner_group(owner_id), channel)
            await self._layer.drop_channel(channel)

    async def _listen(self, channel: str, subscriber: Subscriber, key: WatchedSession) -> None:
        while not self._ended.done():
            await self._on_message(await self._layer.receive(channel), subscriber, key)

    async def _on_message(self, message: Message, subscriber: Subscriber, key: WatchedSession) -> None:
        if message["type"] == "response.events":
            try:
                await subscriber.on_notification(message)
            except (*UNAVAILABLE, ProtocolError) as error:  # the regular check reads the log again
                logger.warning("a notification could not be followed: %s", type(error).__name__)
        elif message["type"] == "session.recheck" and not await retry(
            "a key could not be checked", key.check, RETRY_SECS
        ):
            self._end_key()

    def _end_key(self) -> None:
        if not self._ended.done():
            self._ended.set_exception(CommandError("invalid_api_key"))

    def _end_failed(self, listening: asyncio.Task[Any]) -> None:
        error = None if listening.cancelled() else listening.exception()
        if error is not None and not self._ended.done():
            self._ended.set_exception(error)

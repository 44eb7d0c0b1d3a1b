"""One socket's followed responses: each event is sent once, in order.

For a client that does not read, events stay in the log: a socket uses no more memory than its transport's
buffer and one chunk.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from chat.models import LIVE, Response
from chat.protocol.errors import CommandError, ProtocolError
from chat.protocol.frames import heartbeat, queue, up_to_date, with_stream_id
from chat.responses.queueing import position
from chat.responses.representation import response_object
from chat.streaming.backpressure import ClientConnection
from chat.streaming.cursor import NOTHING, UNKNOWN, Action, Cursor, Step, ends_opening
from chat.streaming.log_reads import log_reads
from chat.transport.event_log import Log
from chat.transport.notifications import Message, group
from chat.transport.outages import UNAVAILABLE

logger = logging.getLogger(__name__)

CHECK_SECS = 5  # between checks of the log: the last notification may be lost
FULL_SECS = 5  # until a client at the limit may ask again
MAX_SUBSCRIPTIONS = 100  # responses per socket
MAX_FOLLOWED = 200  # of one user, over all sockets of this process

Send = Callable[[str], Awaitable[None]]


@dataclass(eq=False, slots=True, weakref_slot=True)
class Followed:
    """The number of responses that all sockets of one user follow."""

    count: int = 0


@dataclass(eq=False, slots=True)
class Subscription:
    """One followed response."""

    subscriber: "Subscriber"
    response_id: str
    send: Send
    cursor: Cursor
    queue_position: int | None = None  # as last sent

    def can_resume(self) -> bool:
        """Whether skipped events may be sent now."""
        return self.cursor.paused and not self.cursor.must_wait(self.subscriber.connection.paused)

    def waits_for_worker(self) -> bool:
        """Whether it may still be queued."""
        return ends_opening(self.cursor.last) and not self.cursor.paused and not self.cursor.done

    async def perform(self, action: Action | None) -> None:
        """Perform an action and its follow-ups; requires the lock."""
        cursor, subscriber = self.cursor, self.subscriber
        while action is not None:
            if isinstance(action, list):
                for sent, event in enumerate(action, 1):
                    await self.send(event)
                    if subscriber.connection.paused and sent < len(action):
                        cursor.rewind(len(action) - sent)
                        break
                action = cursor.then
            else:
                action = await self._next(action)
        if cursor.paused:
            subscriber.resume()
        elif cursor.replaying:
            cursor.replaying = False
            await self.send(up_to_date(self.response_id, cursor.last))

    async def _next(self, step: Step) -> Action | None:
        match step:
            case Step.READ:
                after, count = self.cursor.last - 1, self.cursor.count
                entries = await log_reads().entries(self.subscriber.log, self.response_id, after, count)
                numbers, events = [e.sequence_number for e in entries], [e.event for e in entries]
                return self.cursor.on_entries(numbers, events)
            case Step.SNAPSHOT:
                return self.cursor.on_state(await log_reads().state(self.subscriber.log, self.response_id))
            case Step.ROW:
                row = await _query(Response.objects.filter(pk=self.response_id).first)
                if row is None:
                    return self.cursor.on_row(None)
                response = response_object(row)
                return self.cursor.on_row(response, live=row.live, last_number=row.last_number)
            case Step.DONE:
                await self.subscriber.unsubscribe(self.response_id)
                self.subscriber.on_done(self.response_id)
                return None

    async def check(self) -> None:
        """Compare with the log; send a heartbeat after a silence."""
        cursor, subscriber = self.cursor, self.subscriber
        if subscriber.connection.paused:
            return
        if cursor.suspects_row():
            rows = Response.objects.filter(pk=self.response_id).exclude(status__in=LIVE)
            cursor.row_ended = await _query(rows.exists)
        top = await subscriber.log.top(self.response_id)
        async with subscriber.lock:
            await self.perform(cursor.on_check(top, subscriber.connection.paused))
            if cursor.end_check():
                await self.send(heartbeat(self.response_id, cursor.last))


class Subscriber:
    """One socket's followed responses."""

    def __init__(self, channel: str, send: Send, log: Log, connection: ClientConnection) -> None:
        self.log, self.connection = log, connection
        self.lock = asyncio.Lock()  # frames of a replay and a notification must not mix
        connection.on_resume = self.resume
        self._channel, self._send = channel, send
        # a response has ended, or was deleted
        self.on_done: Callable[[str], None] = lambda response_id: None
        self.of_owner = Followed()  # the consumer sets the one that the owner's sockets share
        self._followed: dict[str, Subscription] = {}
        self._checking: asyncio.Task[None] | None = None
        self._resuming: asyncio.Task[None] | None = None

    def require_room(self) -> None:
        """Raise CommandError at MAX_SUBSCRIPTIONS, or MAX_FOLLOWED of the owner."""
        if len(self._followed) >= MAX_SUBSCRIPTIONS or self.of_owner.count >= MAX_FOLLOWED:
            raise CommandError("too_many_followed", retry_after=FULL_SECS)

    def sender(self, response_id: str, stream_id: str | None) -> Send:
        """A function that sends a frame about this response."""
        if stream_id is None:
            return self._send
        return lambda text: self._send(with_stream_id(text, stream_id))

    async def start(self, response_id: str, stream_id: str | None, *, row_ended: bool = False) -> None:
        """Follow from the first event."""
        await self.subscribe(response_id, NOTHING, stream_id, row_ended=row_ended, replay=False)

    async def subscribe(
        self,
        response_id: str,
        after: int | None,
        stream_id: str | None,
        *,
        row_ended: bool = False,
        replay: bool = True,
    ) -> None:
        """Follow after a sequence number, or from a snapshot if None.

        Join the group *before* reading the log; meanwhile notifications wait for the lock.
        """
        if response_id not in self._followed:
            self.require_room()
        cursor = Cursor(UNKNOWN if after is None else after, row_ended, replay)
        subscription = Subscription(self, response_id, self.sender(response_id, stream_id), cursor)
        async with self.lock:
            if response_id in self._followed:
                self._followed[response_id].cursor.done = True
            else:
                self.of_owner.count += 1
            self._followed[response_id] = subscription
            try:
                await get_channel_layer().group_add(group(response_id), self._channel)
                await subscription.perform(cursor.catch_up(self.connection.paused))
            except BaseException:
                await self.unsubscribe(response_id)
                raise
        if self._followed and (self._checking is None or self._checking.done()):
            self._checking = asyncio.create_task(self._check_regularly())

    async def unsubscribe(self, response_id: str) -> None:
        """Stop following; the response continues."""
        subscription = self._followed.pop(response_id, None)
        if subscription is not None:
            self.of_owner.count -= 1
            subscription.cursor.done = True
            await get_channel_layer().group_discard(group(response_id), self._channel)

    async def send_queue_position(self, response_id: str, least: int = 0) -> None:
        """Send the queue position if changed and at least `least`.

        Queries the database only if no event beyond the opening came.
        """
        subscription = self._followed.get(response_id)
        if subscription is None or self.connection.paused or not subscription.waits_for_worker():
            return
        try:
            ahead = await _query(position, response_id)
        except UNAVAILABLE as error:
            logger.warning("a position in the queue is not known: %s", type(error).__name__)
            return
        async with self.lock:
            is_due = ahead is not None and ahead >= least and ahead != subscription.queue_position
            if is_due and subscription.waits_for_worker():
                subscription.queue_position = ahead
                await subscription.send(queue(response_id, ahead))

    def acknowledge(self, response_id: str, number: int) -> None:
        """Allow more events; the client will acknowledge again."""
        if response_id in self._followed:
            self._followed[response_id].cursor.acknowledge(number)
            self.resume()

    async def on_notification(self, message: Message) -> None:
        """Forward new events unparsed; read the log on a gap."""
        subscription = self._followed.get(message["response_id"])
        if subscription is None or subscription.cursor.paused:
            return
        async with self.lock:
            first, events = message["first"], message["events"]
            action = subscription.cursor.on_notification(first, events, self.connection.paused)
            await subscription.perform(action)

    async def close(self) -> None:
        """Unsubscribe from everything."""
        for task in filter(None, (self._checking, self._resuming)):
            task.cancel()
        for response_id in list(self._followed):
            await self.unsubscribe(response_id)

    def resume(self) -> None:
        """Send skipped events."""
        is_idle = self._resuming is None or self._resuming.done()
        if is_idle and any(each.can_resume() for each in self._followed.values()):
            self._resuming = asyncio.create_task(self._send_rest())

    async def _send_rest(self) -> None:
        """One chunk per response in turn."""
        try:
            while ready := [each for each in self._followed.values() if each.can_resume()]:
                for subscription in ready:
                    async with self.lock:
                        await subscription.perform(subscription.cursor.catch_up(self.connection.paused))
        except (*UNAVAILABLE, ProtocolError) as error:  # the regular check reads the log again
            logger.warning("a client could not be sent what it missed: %s", type(error).__name__)

    async def _check_regularly(self) -> None:
        while self._followed:
            await asyncio.sleep(CHECK_SECS)
            for subscription in list(self._followed.values()):
                try:
                    await subscription.check()
                    await self.send_queue_position(subscription.response_id)
                except (*UNAVAILABLE, ProtocolError) as error:
                    logger.warning("a followed response could not be checked: %s", type(error).__name__)


async def _query(query: Callable[..., Any], *args: str) -> Any:
    return await database_sync_to_async(query, thread_sensitive=False)(*args)

"""One socket's view of the responses that it follows: join the group, read the log, then go on live.

arrow in: hints from the channel layer, by way of the consumer
arrow out: frames for the browser, each event once and in order

Nothing is forwarded to a client that does not read: its place stays where it is, and what it misses is read
from the log when it reads again. So a socket costs no more memory than its transport's buffer and a chunk.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from chat.models import LIVE, Response
from chat.protocol.errors import CommandError, ProtocolError
from chat.protocol.events import Snapshot, encode, heartbeat, is_terminal, queue, up_to_date, with_stream_id
from chat.responses.queueing import position
from chat.responses.representation import response_object
from chat.streaming.backpressure import ClientConnection
from chat.streaming.cursor import NOTHING, UNKNOWN, Cursor
from chat.transport.event_log import Entry, Log
from chat.transport.notifications import Message, group
from chat.transport.outages import UNAVAILABLE

logger = logging.getLogger(__name__)

CHECK_SECS = 5  # how often the top of the log is compared: the last hint may be the lost one
SILENT_CHECKS = 3  # in a row; then the row is asked, too: Redis may be back without the end
MAX_SUBSCRIPTIONS = 100  # responses per socket
CHUNK = 500  # events that are read from the log and sent at once, some 100 KiB; at least 2
ACK_WINDOW = 1000  # events that go on beyond the last acknowledged one: seconds of a fast answer

Send = Callable[[str], Awaitable[None]]


@dataclass(slots=True)
class Subscription:
    """A response that this socket follows."""

    response_id: str
    stream_id: str | None
    place: Cursor = field(default_factory=Cursor)
    quiet: bool = True  # nothing came since the last check
    held: bool = False  # the log has more, which is to be sent when the client has read what it has
    limit: float = math.inf  # the number to go on to before the client acknowledges more
    replaying: bool = False  # it waits to hear that it is up to date
    over: bool = False  # its row has the end: a log without one has lost it
    silent: int = 0  # checks in a row since which nothing came
    position: int | None = None  # in the queue, as it was told


class Subscriber:
    """The followed responses of one socket. `send` takes one frame; `channel` is the socket's own."""

    def __init__(self, channel: str, send: Send, log: Log, connection: ClientConnection) -> None:
        self._channel, self._send, self._log, self._connection = channel, send, log, connection
        connection.on_resume = self._go_on
        self._followed: dict[str, Subscription] = {}
        self._lock = asyncio.Lock()  # the frames of a catch-up and of a hint must not mix
        self._checks: asyncio.Task[None] | None = None
        self._going_on: asyncio.Task[None] | None = None

    def require_room(self) -> None:
        """Raise CommandError when the socket follows as many responses as it may."""
        if len(self._followed) >= MAX_SUBSCRIPTIONS:
            raise CommandError("too_many_followed")

    async def start(self, response_id: str, stream_id: str | None, *, row_ended: bool = False) -> None:
        """Follow a response from its very first event; `row_ended` if its row had its end before."""
        await self._join(Subscription(response_id, stream_id, Cursor(NOTHING), over=row_ended))

    async def subscribe(
        self, response_id: str, after: int | None, stream_id: str | None, *, row_ended: bool = False
    ) -> None:
        """Follow from after a sequence number, or from a snapshot if that is None."""
        place = Cursor(UNKNOWN if after is None else after)
        await self._join(Subscription(response_id, stream_id, place, replaying=True, over=row_ended))

    async def send_queue_position(self, response_id: str, least: int = 0) -> None:
        """Tell the place in the queue of what waits for a worker, if it is another, and at least so great.

        The database is asked of what has no event beyond its opening, and only of that.
        """
        followed = self._followed.get(response_id)
        if followed is None or followed.held or not followed.place.is_at_opening or self._connection.paused:
            return
        ahead = await _ahead(response_id)
        async with self._lock:
            waits = self._followed.get(response_id) is followed and followed.place.is_at_opening
            if waits and ahead is not None and ahead >= least and ahead != followed.position:
                followed.position = ahead
                await self._send_frame(followed, queue(response_id, ahead))

    async def unsubscribe(self, response_id: str) -> None:
        """Stop following; the response itself goes on."""
        if self._followed.pop(response_id, None) is not None:
            await get_channel_layer().group_discard(group(response_id), self._channel)

    def acknowledge(self, response_id: str, number: int) -> None:
        """The client has read a response up to a sequence number, and will say so again."""
        followed = self._followed.get(response_id)
        if followed is not None:
            followed.limit = number + ACK_WINDOW
            self._go_on()

    async def on_notification(self, message: Message) -> None:
        """Take a hint from the channel layer: forward what is new, unparsed; read the log on a gap."""
        followed = self._followed.get(message["response_id"])
        if followed is None or followed.held:  # held: the log is read from our place on, and has it
            return
        async with self._lock:
            if followed.held or self._followed.get(followed.response_id) is not followed:
                return  # while we waited it was left, or begun again from another place
            if self._must_wait(followed):
                followed.held = True
                return
            fresh = followed.place.take(message["first"], message["events"])
            if fresh is None:
                await self._catch_up(followed)
            else:
                await self._forward(followed, fresh)

    async def close(self) -> None:
        """The socket is gone."""
        for task in (self._checks, self._going_on):
            if task is not None:
                task.cancel()
        for response_id in list(self._followed):
            await self.unsubscribe(response_id)

    async def _join(self, followed: Subscription) -> None:
        """Join the group, *then* read the log: what comes in between is a hint, and waits for the lock."""
        response_id = followed.response_id
        if response_id not in self._followed:
            self.require_room()
        async with self._lock:
            self._followed[response_id] = followed
            try:
                await get_channel_layer().group_add(group(response_id), self._channel)
                await self._catch_up(followed)
            except BaseException:
                await self.unsubscribe(response_id)
                raise
        if self._followed and (self._checks is None or self._checks.done()):
            self._checks = asyncio.create_task(self._check_regularly())

    def _must_wait(self, followed: Subscription) -> bool:
        return self._connection.paused or followed.place.last >= followed.limit

    async def _catch_up(self, followed: Subscription) -> None:
        """Send the next chunk that the log has beyond our place; as a snapshot when it is another log.

        What is more than that, or too much for the client now, is held.
        """
        followed.held = self._must_wait(followed)
        if followed.held:
            return
        place = followed.place
        # a hint that comes during this read waits for the lock: nothing falls between the two
        entries = [] if place.is_lost else await self._read_on(followed)
        fresh = place.take_log(entries)
        if fresh is None:
            await self._tell_whole(followed)
        else:
            await self._forward(followed, fresh)
            if is_terminal(entries[-1].event) and not followed.held:  # also when there was nothing new
                await self.unsubscribe(followed.response_id)
            elif len(entries) == CHUNK:
                followed.held = True
                self._go_on()
            elif followed.over and not followed.held:
                await self._tell_whole(followed)
        if followed.replaying and not followed.held:
            followed.replaying = False
            await self._send_frame(followed, up_to_date(followed.response_id, place.last))

    async def _read_on(self, followed: Subscription) -> list[Entry]:
        return await self._log.read(followed.response_id, after=followed.place.last - 1, count=CHUNK)

    def _go_on(self) -> None:
        """Send what was held, now that the client has read."""
        idle = self._going_on is None or self._going_on.done()
        if idle and any(followed.held for followed in self._followed.values()):
            self._going_on = asyncio.create_task(self._send_held())

    async def _send_held(self) -> None:
        """Send what is held, a chunk of each response in turn, until nothing is or the client must read."""
        try:
            while ready := [f for f in self._followed.values() if f.held and not self._must_wait(f)]:
                for followed in ready:
                    async with self._lock:
                        if self._followed.get(followed.response_id) is followed:
                            await self._catch_up(followed)
        except (*UNAVAILABLE, ProtocolError) as error:  # the regular check will look again
            logger.warning("a client could not be told what it missed: %s", type(error).__name__)

    async def _tell_whole(self, followed: Subscription) -> None:
        """Send the answer so far in one frame: from the log, or from the row when the log is gone."""
        draft = await self._log.state(followed.response_id)
        if draft is not None and followed.over and draft.ended is None:
            draft = None  # Redis is back with older data: the row knows better
        snapshot = draft.snapshot() if draft is not None else await self._row_snapshot(followed)
        if snapshot is None:  # the row was deleted: there is nothing to follow any more
            await self.unsubscribe(followed.response_id)
            return
        live = snapshot.response["status"] in LIVE
        if draft is None and live and not followed.place.is_lost:
            return  # a row has no text before the end: the reader keeps what it has until there is a log
        followed.quiet = False
        followed.place.jump(snapshot.sequence_number)
        await self._send_frame(followed, encode(snapshot))
        if not live:
            await self.unsubscribe(followed.response_id)

    async def _row_has_end(self, followed: Subscription) -> bool:
        rows = Response.objects.filter(pk=followed.response_id).exclude(status__in=LIVE)
        return bool(await database_sync_to_async(rows.exists, thread_sensitive=False)())

    async def _row_snapshot(self, followed: Subscription) -> Snapshot | None:
        rows = Response.objects.filter(pk=followed.response_id)
        row = await database_sync_to_async(rows.first, thread_sensitive=False)()
        number = max(followed.place.last, 0)
        return row and Snapshot(
            sequence_number=number, response_id=str(row.id), response=response_object(row)
        )

    async def _forward(self, followed: Subscription, events: Sequence[str]) -> None:
        """Send what was taken; what is more than the client reads is given back and held."""
        followed.quiet = False
        for count, event in enumerate(events, 1):
            await self._send_frame(followed, event)
            if self._connection.paused and count < len(events):
                followed.place.give_back(len(events) - count)
                followed.held = True
                return
        if events and is_terminal(events[-1]):
            await self.unsubscribe(followed.response_id)

    async def _send_frame(self, followed: Subscription, text: str) -> None:
        await self._send(text if followed.stream_id is None else with_stream_id(text, followed.stream_id))

    async def _check_regularly(self) -> None:
        while self._followed:
            await asyncio.sleep(CHECK_SECS)
            for followed in list(self._followed.values()):
                try:
                    await self._check(followed)
                    await self.send_queue_position(followed.response_id)
                except (*UNAVAILABLE, ProtocolError) as error:
                    logger.warning("a followed response could not be checked: %s", type(error).__name__)

    async def _check(self, followed: Subscription) -> None:
        """Compare our place with the top of the log; say that we are still there if nothing came."""
        if self._connection.paused:
            return  # nor would it hear us
        if followed.silent >= SILENT_CHECKS and not followed.over:
            followed.over = await self._row_has_end(followed)
        top = await self._log.top(followed.response_id)
        async with self._lock:
            if self._followed.get(followed.response_id) is not followed:
                return
            if followed.place.is_behind(top) or followed.replaying or followed.over:
                await self._catch_up(followed)
            followed.silent = followed.silent + 1 if followed.quiet else 0
            if followed.quiet:
                await self._send_frame(followed, heartbeat(followed.response_id, followed.place.last))
            followed.quiet = True


async def _ahead(response_id: str) -> int | None:
    """How many wait before it; None if it does not wait, or if that cannot be known now."""
    try:
        ahead: int | None = await database_sync_to_async(position, thread_sensitive=False)(response_id)
    except UNAVAILABLE as error:
        logger.warning("a place in the queue is not known: %s", type(error).__name__)
        return None
    return ahead

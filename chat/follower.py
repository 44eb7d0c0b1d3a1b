"""One socket's view of the responses that it follows: join the group, read the log, then go on live.

arrow in: hints from the channel layer, by way of the consumer
arrow out: frames for the browser, each event once and in order
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from chat.away import AWAY
from chat.following import NOTHING, UNKNOWN, Following
from chat.hints import Message, group
from chat.log import Log
from chat.models import LIVE, Response
from chat.protocol.errors import CommandError, ProtocolError
from chat.protocol.events import Snapshot, encode, heartbeat, is_terminal, up_to_date, with_stream_id

logger = logging.getLogger(__name__)

CHECK_SECS = 5  # how often the top of the log is compared: the last hint may be the lost one
MAX_FOLLOWED = 100  # responses per socket

Send = Callable[[str], Awaitable[None]]


@dataclass(slots=True)
class Followed:
    """A response that this socket follows."""

    response_id: str
    stream_id: str | None
    place: Following = field(default_factory=Following)
    quiet: bool = True  # nothing came since the last check


class Follower:
    """The followed responses of one socket. `send` takes one frame; `channel` is the socket's own."""

    def __init__(self, channel: str, send: Send, log: Log) -> None:
        self._channel, self._send, self._log = channel, send, log
        self._followed: dict[str, Followed] = {}
        self._lock = asyncio.Lock()  # the frames of a catch-up and of a hint must not mix
        self._checks: asyncio.Task[None] | None = None

    def require_room(self) -> None:
        """Raise CommandError when the socket follows as many responses as it may."""
        if len(self._followed) >= MAX_FOLLOWED:
            raise CommandError("too_many_followed")

    async def begin(self, response_id: str, stream_id: str | None) -> None:
        """Follow a response from its very first event."""
        await self._join(Followed(response_id, stream_id, Following(NOTHING)))

    async def subscribe(self, response_id: str, after: int | None, stream_id: str | None) -> None:
        """Follow from after a sequence number, or from a snapshot if that is None."""
        followed = Followed(response_id, stream_id, Following(UNKNOWN if after is None else after))
        await self._join(followed)
        await self._send_frame(followed, up_to_date(response_id, followed.place.last))

    async def leave(self, response_id: str) -> None:
        """Stop following; the response itself goes on."""
        if self._followed.pop(response_id, None) is not None:
            await get_channel_layer().group_discard(group(response_id), self._channel)

    async def hint(self, message: Message) -> None:
        """Take a hint from the channel layer: forward what is new, unparsed; read the log on a gap."""
        followed = self._followed.get(message["response_id"])
        if followed is None:
            return
        async with self._lock:
            fresh = followed.place.take(message["first"], message["events"])
            if fresh is None:
                await self._catch_up(followed)
            else:
                await self._forward(followed, fresh)

    async def close(self) -> None:
        """The socket is gone."""
        if self._checks is not None:
            self._checks.cancel()
        for response_id in list(self._followed):
            await self.leave(response_id)

    async def _join(self, followed: Followed) -> None:
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
                self._followed.pop(response_id, None)
                raise
        if self._followed and (self._checks is None or self._checks.done()):
            self._checks = asyncio.create_task(self._check_regularly())

    async def _catch_up(self, followed: Followed) -> None:
        """Send what the log has beyond our place; as a snapshot when it does not go on from there."""
        place = followed.place
        entries = [] if place.is_lost else await self._log.read(followed.response_id, after=place.last - 1)
        fresh = place.take_log(entries)
        if fresh is None:
            await self._tell_whole(followed)
            return
        await self._forward(followed, fresh)
        if is_terminal(entries[-1].event):
            await self.leave(followed.response_id)

    async def _tell_whole(self, followed: Followed) -> None:
        """Send the answer so far in one frame: from the log, or from the row when the log is gone."""
        draft = await self._log.draft(followed.response_id)
        snapshot = draft.snapshot() if draft is not None else await self._row_snapshot(followed)
        if snapshot is None:  # the row was deleted: there is nothing to follow any more
            await self.leave(followed.response_id)
            return
        live = snapshot.response["status"] in LIVE
        if draft is None and live and not followed.place.is_lost:
            return  # a row has no text before the end: the reader keeps what it has until there is a log
        followed.quiet = False
        followed.place.jump(snapshot.sequence_number)
        await self._send_frame(followed, encode(snapshot))
        if not live:
            await self.leave(followed.response_id)

    async def _row_snapshot(self, followed: Followed) -> Snapshot | None:
        rows = Response.objects.filter(pk=followed.response_id)
        row = await database_sync_to_async(rows.first, thread_sensitive=False)()
        number = max(followed.place.last, 0)
        return row and Snapshot(sequence_number=number, response_id=str(row.id), response=row.wire())

    async def _forward(self, followed: Followed, events: Sequence[str]) -> None:
        followed.quiet = False
        for event in events:
            await self._send_frame(followed, event)
        if events and is_terminal(events[-1]):
            await self.leave(followed.response_id)

    async def _send_frame(self, followed: Followed, text: str) -> None:
        await self._send(text if followed.stream_id is None else with_stream_id(text, followed.stream_id))

    async def _check_regularly(self) -> None:
        while self._followed:
            await asyncio.sleep(CHECK_SECS)
            for followed in list(self._followed.values()):
                try:
                    await self._check(followed)
                except (*AWAY, ProtocolError) as error:
                    logger.warning("a followed response could not be checked: %s", type(error).__name__)

    async def _check(self, followed: Followed) -> None:
        """Compare our place with the top of the log; say that we are still there if nothing came."""
        top = await self._log.top(followed.response_id)
        async with self._lock:
            if self._followed.get(followed.response_id) is not followed:
                return
            if followed.place.is_behind(top):
                await self._catch_up(followed)
            if followed.quiet:
                await self._send_frame(followed, heartbeat(followed.response_id, followed.place.last))
            followed.quiet = True

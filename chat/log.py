"""The log of a response: a Redis Stream with one entry per event. It is the truth while it runs.

arrow in: `intake` creates it, `workers/publisher.py` and `ending` append
arrow out: `follower` reads it, `ending` copies its end to the row

Key `response:{<id>}:log`; the event with sequence number n has the entry id `n-1` and one field, `event`.
Redis refuses an id that is not greater than the top one, so **the id is the fence**: of two writers
that know the same top, one is refused, and learns that it is no longer the writer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from chat.protocol.draft import Draft
from chat.protocol.events import Event, decode, encode, is_terminal

LIVE_SECS = 24 * 3600  # a log that nobody ends is gone after a day
ENDED_SECS = 3600  # after the end the row has the text; readers may still be catching up

Rows = Any  # redis-py's reply to XRANGE: [(id, {field: value})], as text
LogError = RedisError  # what every function here raises when Redis is away

# All events of a batch, or none: after a refused first event, no later one may slip in.
# KEYS[1] the log; ARGV[1] the number of the first event; ARGV[2] "create" or "append";
# ARGV[3] seconds to expiry, "" to leave it; ARGV[4…] the events.
# Returns 1 done, 0 refused, -1 there is no log.
_APPEND = """
local first, how, expiry = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local there = redis.call('EXISTS', KEYS[1]) == 1
if how == 'append' and not there then return -1 end
if how == 'create' and there then return 0 end
if there then
    local top = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1]
    if tonumber(string.match(top, '^%d+')) >= first then return 0 end
end
for i = 4, #ARGV do
    redis.call('XADD', KEYS[1], string.format('%d-1', first + i - 4), 'event', ARGV[i])
end
if expiry ~= '' then redis.call('EXPIRE', KEYS[1], expiry) end
return 1
"""


class Append(Enum):
    """What became of an append."""

    DONE = 1
    REFUSED = 0  # another writer was there first
    MISSING = -1  # the log is gone: Redis lost it
    FAILED = 2  # Redis would not, for this log (out of memory, say): try again


@dataclass(frozen=True, slots=True)
class Batch:
    """Encoded events to append to one log; the first has the sequence number `first`."""

    response_id: str
    first: int
    events: Sequence[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One event in the log, encoded."""

    sequence_number: int
    event: str


def key(response_id: str) -> str:
    """The Redis key of a response's log."""
    return f"response:{{{response_id}}}:log"


class Log:
    """All logs behind one Redis client. Every method raises LogError when Redis does not answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._append = redis.register_script(_APPEND)

    async def create(self, response_id: str, events: Sequence[Event], *, last: bool = False) -> bool:
        """Begin a log; with `last`, one that is ended already. False: it exists already."""
        first, expiry = events[0].sequence_number, ENDED_SECS if last else LIVE_SECS
        args: list[str | int] = [first, "create", expiry, *map(encode, events)]
        return Append(await self._append(keys=[key(response_id)], args=args)) is Append.DONE

    async def append(self, batch: Batch, *, last: bool = False) -> Append:
        """Append all events of the batch, or none. With `last`, the log expires ENDED_SECS from now."""
        args: list[str | int] = [batch.first, "append", ENDED_SECS if last else "", *batch.events]
        return Append(await self._append(keys=[key(batch.response_id)], args=args))

    async def append_each(self, batches: Sequence[Batch]) -> list[Append]:
        """Append many batches in one round trip, each all or none."""
        pipe = self._redis.pipeline(transaction=False)
        for batch in batches:
            if len(batch.events) == 1:
                fields: dict[Any, Any] = {"event": batch.events[0]}
                pipe.xadd(key(batch.response_id), fields, id=f"{batch.first}-1", nomkstream=True)
            else:
                await self._append(
                    keys=[key(batch.response_id)],
                    args=[batch.first, "append", "", *batch.events],
                    client=pipe,
                )
        return [_outcome(reply) for reply in await pipe.execute(raise_on_error=False)]

    async def read(self, response_id: str, after: int = -1, count: int | None = None) -> list[Entry]:
        """The entries after a sequence number, in order; at most `count`."""
        first = f"({after}-1" if after >= 0 else "-"
        rows: Rows = await self._redis.xrange(key(response_id), min=first, count=count)
        return [Entry(_number(entry_id), fields["event"]) for entry_id, fields in rows]

    async def holds(self, batch: Batch) -> bool:
        """Whether these very events are in the log: a refused append got through, its reply was lost."""
        entries = await self.read(batch.response_id, after=batch.first - 1)
        return [entry.event for entry in entries[: len(batch.events)]] == list(batch.events)

    async def last(self, response_id: str) -> Entry | None:
        """The last entry; None if there is no log."""
        rows: Rows = await self._redis.xrevrange(key(response_id), count=1)
        return Entry(_number(rows[0][0]), rows[0][1]["event"]) if rows else None

    async def top(self, response_id: str) -> int | None:
        """The highest sequence number in the log; None if there is no log."""
        entry = await self.last(response_id)
        return entry.sequence_number if entry else None

    async def ended(self, response_ids: Sequence[str]) -> list[str]:
        """Those of the responses whose log has its end, in one round trip."""
        pipe = self._redis.pipeline(transaction=False)
        for response_id in response_ids:
            pipe.xrevrange(key(response_id), count=1)
        replies: Rows = await pipe.execute()
        lasts = zip(response_ids, replies, strict=True)
        return [response_id for response_id, rows in lasts if rows and is_terminal(rows[0][1]["event"])]

    async def later(self, draft: Draft) -> Draft | None:
        """The draft with what was appended since it was read; None if there is no log any more."""
        response_id, now = str(draft.base["id"]), draft.copy()
        entries = await self.read(response_id, after=draft.next - 1)
        if not entries or entries[0].sequence_number != draft.next:
            return await self.draft(response_id)  # another log has taken the place of the one that we knew
        for entry in entries:
            now.apply(decode(entry.event))
        return now

    async def draft(self, response_id: str) -> Draft | None:
        """The answer so far; None if there is no log."""
        entries = await self.read(response_id)
        return Draft.of(decode(entry.event) for entry in entries) if entries else None


def _number(entry_id: str) -> int:
    return int(entry_id.partition("-")[0])


def _outcome(reply: object) -> Append:
    if reply is None:
        return Append.MISSING
    if isinstance(reply, ResponseError) and "equal or smaller" in str(reply):
        return Append.REFUSED
    if isinstance(reply, Exception):
        return Append.FAILED
    return Append(reply) if isinstance(reply, int) else Append.DONE

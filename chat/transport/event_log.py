"""The log of a response: a Redis Stream with one entry per event. It is the truth while it runs.

arrow in: `intake` creates it, `workers/generation/publisher.py` and `ending` append
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
from redis.exceptions import RedisError

from chat.protocol.events import Event, decode, encode, is_terminal
from chat.protocol.state import ResponseState

LIVE_SECS = 24 * 3600  # a log that nobody ends is gone after a day
ENDED_SECS = 3600  # after the end the row has the text; readers may still be catching up

Rows = Any  # redis-py's reply to XRANGE: [(id, {field: value})], as text
LogError = RedisError  # what every function here raises when Redis is away

# Of each batch all events or none, each right after the one before it, and none after an end. One call
# serves many logs: it costs more than what it does.
# KEYS the logs; ARGV[1] "create", "append", or "restore", whose first event tells all that came before it;
# ARGV[2] seconds to expiry, "" to leave it; then for each log the number of its first event, how many events
# there are, and the events.
# Returns for each 1 done, 0 refused, 2 Redis would not, -1 there is no log or it lacks what came before:
# Redis is back with older data.
_APPEND = """
local how, expiry = ARGV[1], ARGV[2]

local function obstacle(log, first)
    local found = redis.pcall('XREVRANGE', log, '+', '-', 'COUNT', 1)
    if found.err then return 2 end
    local last = found[1]
    if not last then return how == 'append' and -1 or nil end
    local top = tonumber(string.match(last[1], '^%d+'))
    local kind = string.match(last[2][2], '^{"type":"response%.(%a+)"')
    if how == 'create' or top >= first then return 0 end
    if kind == 'completed' or kind == 'incomplete' or kind == 'failed' then return 0 end
    return how == 'append' and top < first - 1 and -1 or nil
end

local function append(log, first, at, count)
    for i = 0, count - 1 do
        local id = string.format('%d-1', first + i)
        local added = redis.pcall('XADD', log, id, 'event', ARGV[at + i])
        if type(added) == 'table' and added.err then return 2 end
    end
    if expiry ~= '' then redis.call('EXPIRE', log, expiry) end
    return 1
end

local at, outcomes = 3, {}
for i, log in ipairs(KEYS) do
    local first, count = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
    outcomes[i] = obstacle(log, first) or append(log, first, at + 2, count)
    at = at + 2 + count
end
return outcomes
"""


class Append(Enum):
    """What became of an append."""

    APPENDED = 1
    CONFLICT = 0  # another writer was there first
    GAP = -1  # Redis lost the log, or its latest events
    RETRY = 2  # Redis would not, for this log (out of memory, say): try again


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

    async def create(self, response_id: str, events: Sequence[Event]) -> bool:
        """Begin a log. False: it exists already."""
        batch = Batch(response_id, events[0].sequence_number, [encode(event) for event in events])
        return await self._write_one("create", LIVE_SECS, batch) is Append.APPENDED

    async def append(self, batch: Batch, *, last: bool = False) -> Append:
        """Append all events of the batch, or none. With `last`, the log expires ENDED_SECS from now."""
        return await self._write_one("append", ENDED_SECS if last else "", batch)

    async def append_each(self, batches: Sequence[Batch]) -> list[Append]:
        """Append many batches in one round trip, each all or none."""
        return await self._write("append", "", batches)

    async def restore(self, batch: Batch, *, last: bool = False) -> bool:
        """Go on where Redis lost the log or its latest events: the first event tells all that came before.

        False: another writer was there first.
        """
        return await self._write_one("restore", ENDED_SECS if last else LIVE_SECS, batch) is Append.APPENDED

    async def _write_one(self, how: str, expiry: int | str, batch: Batch) -> Append:
        (outcome,) = await self._write(how, expiry, [batch])
        if outcome is Append.RETRY:
            message = "Redis takes no events"
            raise LogError(message)
        return outcome

    async def _write(self, how: str, expiry: int | str, batches: Sequence[Batch]) -> list[Append]:
        args: list[int | str] = [how, expiry]
        for batch in batches:
            args += [batch.first, len(batch.events), *batch.events]
        keys = [key(batch.response_id) for batch in batches]
        return [Append(outcome) for outcome in await self._append(keys=keys, args=args)]

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

    async def later(self, draft: ResponseState) -> ResponseState | None:
        """The draft with what was appended since it was read; None if there is no log any more."""
        response_id, now = str(draft.base["id"]), draft.copy()
        entries = await self.read(response_id, after=draft.next - 1)
        if not entries or entries[0].sequence_number != draft.next:
            return await self.draft(response_id)  # another log has taken the place of the one that we knew
        for entry in entries:
            now.apply(decode(entry.event))
        return now

    async def draft(self, response_id: str) -> ResponseState | None:
        """The answer so far; None if there is no log."""
        entries = await self.read(response_id)
        return ResponseState.of(decode(entry.event) for entry in entries) if entries else None


def _number(entry_id: str) -> int:
    return int(entry_id.partition("-")[0])

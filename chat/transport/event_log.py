"""A response's log: a Redis Stream with one entry per event, the truth while the response runs.

Key `<prefix>:response:{<id>}:log`; event 7 has entry id `7-1` and one field, `event`. Redis rejects an id not
above the last one: **the id is the fence**, and of two writers one gets a conflict.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from chat.protocol.composer import opening
from chat.protocol.events import Event, decode, encode
from chat.protocol.objects import ResponseObject
from chat.protocol.state import ResponseState
from chat.transport.redis_keys import prefixed, steps_key

LIVE_SECS = 24 * 3600  # expiry without a terminal event
ENDED_SECS = 3600  # until its row has the end: the database may be unavailable

Rows = Any  # XRANGE reply: [(id, {field: value})], as text
LogError = RedisError  # raised while Redis is unavailable

_APPEND = Path(__file__).with_name("append.lua").read_text()


class Append(Enum):
    """An append's outcome."""

    APPENDED = 1
    CONFLICT = 0  # another writer was first
    GAP = -1  # Redis lost the log or its latest events
    RETRY = 2  # Redis accepts nothing for this log now


@dataclass(frozen=True, slots=True)
class Batch:
    """Encoded events for one log, numbered from `first`."""

    response_id: str
    first: int
    events: Sequence[str]

    @classmethod
    def of(cls, response_id: str, events: Sequence[Event]) -> "Batch":
        """Encode numbered events."""
        return cls(response_id, events[0].sequence_number, [encode(event) for event in events])

    @classmethod
    def restoring(cls, state: ResponseState, events: Sequence[Event] = ()) -> "Batch":
        """A snapshot, then new events, for a lost log."""
        return cls.of(state.id, [state.snapshot(), *events])


@dataclass(frozen=True, slots=True)
class Entry:
    """One encoded event."""

    sequence_number: int
    event: str


def key(response_id: str) -> str:
    """A log's Redis key."""
    return prefixed(f"response:{{{response_id}}}:log")


class Log:
    """The logs in one Redis. Raises LogError.

    Appends are idempotent: after a lost reply, send the batch again.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._script = redis.register_script(_APPEND)

    async def create(self, response: ResponseObject, attempts: int = 0) -> bool:
        """Open a log; `attempts` wrote to a lost one. False: it exists."""
        batch = Batch.of(str(response["id"]), opening(response, attempts))
        return await self._write_one("create", LIVE_SECS, batch) is Append.APPENDED

    async def append(self, batch: Batch, *, last: bool = False) -> Append:
        """Append all or nothing. With `last`, the log expires after ENDED_SECS."""
        return await self._write_one("append", ENDED_SECS if last else "", batch)

    async def append_each(self, batches: Sequence[Batch]) -> list[Append]:
        """Append many batches, each all or nothing, in one round trip."""
        return await self._write("append", "", batches)

    async def restore(self, batch: Batch, attempt: int, *, last: bool = False) -> Append:
        """Append a `Batch.restoring` to a log lost in whole or in part.

        CONFLICT: ended, or a later attempt has it. GAP: the log changed meanwhile.
        """
        logged = await self.state(batch.response_id)
        if logged is not None and (logged.attempt > attempt or logged.ended is not None):
            return Append.CONFLICT
        known = logged.next - 1 if logged else -1
        return await self._write_one("restore", ENDED_SECS if last else LIVE_SECS, batch, known)

    async def read(self, response_id: str, after: int = -1, count: int | None = None) -> list[Entry]:
        """Entries after a sequence number, in order."""
        first = f"({after}-1" if after >= 0 else "-"
        rows: Rows = await self._redis.xrange(key(response_id), min=first, count=count)
        return [Entry(_number(entry_id), fields["event"]) for entry_id, fields in rows]

    async def state(self, response_id: str, known: ResponseState | None = None) -> ResponseState | None:
        """Fold the log; None without a log.

        `known`: an earlier state; only new events are read. A fast model's next event can arrive before a
        whole log is read.
        """
        entries = await self.read(response_id, after=known.next - 1 if known else -1)
        events = [decode(entry.event) for entry in entries]
        if known is None:
            return ResponseState.fold(events) if events else None
        if not events or events[0].sequence_number != known.next:
            return await self.state(response_id)  # the log was restored or reopened meanwhile
        known.apply(*events)
        return known

    async def reopened(self, response: ResponseObject, attempts: int) -> ResponseState | None:
        """The state; reopens a lost log. None: lost again."""
        response_id = str(response["id"])
        state = await self.state(response_id)
        if state is None:
            await self.create(response, attempts)
            state = await self.state(response_id)
        return state

    async def delete(self, *response_ids: str) -> None:
        """Delete logs that cannot be read, or have lost their rows; with the steps of their programs."""
        if response_ids:
            await self._redis.unlink(*map(key, response_ids), *map(steps_key, response_ids))

    async def expire(self, response_id: str, seconds: int) -> None:
        """Delete a log later: late readers may follow it, and a writer would restore it now."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.expire(key(response_id), seconds)
            pipe.expire(steps_key(response_id), seconds)
            await pipe.execute()

    async def top(self, response_id: str) -> int | None:
        """The highest sequence number; None without a log."""
        rows: Rows = await self._redis.xrevrange(key(response_id), count=1)
        return _number(rows[0][0]) if rows else None

    async def lasts(self, response_ids: Sequence[str]) -> dict[str, Entry]:
        """The last entry of each log that exists, in one round trip."""
        pipe = self._redis.pipeline(transaction=False)
        for response_id in response_ids:
            pipe.xrevrange(key(response_id), count=1)
        replies: Rows = await pipe.execute()
        lasts = zip(response_ids, replies, strict=True)
        return {i: Entry(_number(rows[0][0]), rows[0][1]["event"]) for i, rows in lasts if rows}

    async def _write_one(self, how: str, expiry: int | str, batch: Batch, known: int = -1) -> Append:
        (outcome,) = await self._write(how, expiry, [batch], known)
        if outcome is Append.RETRY:
            message = "Redis takes no events"
            raise LogError(message)
        return outcome

    async def _write(
        self, how: str, expiry: int | str, batches: Sequence[Batch], known: int = -1
    ) -> list[Append]:
        args: list[int | str] = [how, expiry, known]
        for batch in batches:
            args += [batch.first, len(batch.events), *batch.events]
        keys = [key(batch.response_id) for batch in batches]
        return [Append(outcome) for outcome in await self._script(keys=keys, args=args)]


def _number(entry_id: str) -> int:
    return int(entry_id.partition("-")[0])

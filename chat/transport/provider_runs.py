"""Runs at model servers that outlive their workers, in Redis: the next attempt continues them.

Hash `<prefix>:runs`; field `<response id>:<attempt>`, value JSON. An attempt writes its own field alone, and
the log names the attempt that wrote the text: a stale worker cannot put its run in the place of another.
"""

import json
import time
from dataclasses import asdict, dataclass, fields
from typing import Any

from redis.asyncio import Redis

from chat.transport.redis_keys import prefixed

PAGE_RUNS = 500  # per round trip


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run. `run`: the server's id; `at`: Unix seconds."""

    model: str
    run: str
    at: float


_FIELDS = [field.name for field in fields(KnownRun)]


def key() -> str:
    """The hash's Redis key."""
    return prefixed("runs")


class ProviderRuns:
    """The runs in one Redis. Raises LogError."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def remember(self, response_id: str, attempt: int, model: str, run: str) -> None:
        """Store an attempt's run."""
        value = json.dumps(asdict(KnownRun(model, run, time.time())))
        replies: Any = self._redis.hset(key(), f"{response_id}:{attempt}", value)
        await replies

    async def recall(self, response_id: str, attempt: int) -> KnownRun | None:
        """The run of an attempt."""
        replies: Any = self._redis.hget(key(), f"{response_id}:{attempt}")
        value = await replies
        return _run(value) if value else None

    async def forget(self, response_id: str, attempts: int, run: str) -> None:
        """Delete a run of the first `attempts`; other runs stay, to be cancelled."""
        fields = [f"{response_id}:{number}" for number in range(1, attempts + 1)]
        replies: Any = self._redis.hmget(key(), fields)
        values = await replies
        same = [
            at for at, value in zip(fields, values, strict=True) if value and json.loads(value)["run"] == run
        ]
        await self.delete(*same)

    async def delete(self, *fields: str) -> None:
        """Delete fields."""
        if fields:
            replies: Any = self._redis.hdel(key(), *fields)
            await replies

    async def all(self) -> dict[str, KnownRun]:
        """Every run by its field."""
        found = self._redis.hscan_iter(key(), count=PAGE_RUNS)
        return {field: _run(value) async for field, value in found}


def _run(value: str) -> KnownRun:
    """A stored run; fields of a newer version are dropped."""
    body = json.loads(value)
    return KnownRun(**{name: body[name] for name in _FIELDS})

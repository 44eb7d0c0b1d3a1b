"""Worker heartbeats in Redis: a worker without one is lost.

Below the prefix: key `worker:<id>`, the worker's figures as JSON, expiring; set `workers`, the ids, to avoid
a scan; key `reaper`, the reaper's worker id; key `tidied`, old rows were deleted within the hour.
"""

import json
from typing import Any

from redis.asyncio import Redis

from chat.transport.redis_keys import prefixed

HEARTBEAT_SECS = 2  # between a worker's heartbeats
GONE_SECS = 6  # three missed heartbeats

WorkerStatus = dict[str, Any]


def key(worker_id: str) -> str:
    """A heartbeat's Redis key."""
    return prefixed(f"worker:{worker_id}")


def index() -> str:
    """The Redis key of all workers' ids."""
    return prefixed("workers")


def reaper() -> str:
    """The Redis key of the reaper's worker id."""
    return prefixed("reaper")


class Heartbeats:
    """All workers' heartbeats in one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def record(self, worker_id: str, figures: WorkerStatus) -> bool:
        """Store a worker's heartbeat and figures.

        False without a previous one: the worker is new or was frozen, or Redis lost data.
        """
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(key(worker_id), json.dumps(figures), ex=GONE_SECS, get=True)
        pipe.sadd(index(), worker_id)
        previous, _ = await pipe.execute()
        return previous is not None

    async def lead(self, worker_id: str) -> bool:
        """Become or stay the reaper for GONE_SECS. False: another worker is."""
        taken = await self._redis.set(reaper(), worker_id, ex=GONE_SECS, nx=True)
        if not taken and await self._redis.get(reaper()) == worker_id:
            taken = await self._redis.expire(reaper(), GONE_SECS)
        return bool(taken)

    async def begin_tidying(self, secs: int) -> bool:
        """Whether no worker has begun within `secs`; then this one has."""
        return bool(await self._redis.set(prefixed("tidied"), "", ex=secs, nx=True))

    async def leave(self, worker_id: str) -> None:
        """Remove a stopping worker's heartbeat: it counts as lost."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.delete(key(worker_id))
        pipe.srem(index(), worker_id)
        await pipe.execute()

    async def alive(self) -> dict[str, WorkerStatus]:
        """Live workers' figures by id; also removes lost ids."""
        ids = sorted(map(str, await self._redis.smembers(index())))
        if not ids:
            return {}
        heartbeats = dict(zip(ids, await self._redis.mget([key(i) for i in ids]), strict=True))
        if gone := [i for i, heartbeat in heartbeats.items() if heartbeat is None]:
            await self._redis.srem(index(), *gone)
        return {i: json.loads(heartbeat) for i, heartbeat in heartbeats.items() if heartbeat is not None}

    async def clocks(self) -> dict[str, float]:
        """Each live worker's clock minus Redis's, in seconds, by id.

        A heartbeat has the worker's time, `at`; the key's remaining life gives its age.
        """
        ids = list(await self.alive())
        pipe = self._redis.pipeline(transaction=False)
        pipe.time()
        for worker_id in ids:
            pipe.get(key(worker_id))
            pipe.pttl(key(worker_id))
        (secs, micros), *replies = await pipe.execute()
        now, ahead = secs + micros / 1e6, {}
        for worker_id, heartbeat, left_ms in zip(ids, replies[::2], replies[1::2], strict=True):
            figures = json.loads(heartbeat) if heartbeat is not None and left_ms > 0 else {}
            if "at" in figures:
                ahead[worker_id] = figures["at"] - (now - GONE_SECS + left_ms / 1000)
        return ahead

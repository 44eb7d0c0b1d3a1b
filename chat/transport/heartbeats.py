"""Worker heartbeats in Redis: a worker without one is lost.

Key `worker:<id>`: the worker's figures as JSON, expiring; set `workers`: the ids, to avoid a scan; key
`reaper`: the reaper's worker id.
"""

import json
from typing import Any

from redis.asyncio import Redis

HEARTBEAT_SECS = 2  # between a worker's heartbeats
GONE_SECS = 6  # three missed heartbeats

INDEX = "workers"
REAPER = "reaper"
WorkerStatus = dict[str, Any]


def _key(worker_id: str) -> str:
    return f"worker:{worker_id}"


class Heartbeats:
    """All workers' heartbeats in one Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def record(self, worker_id: str, figures: WorkerStatus) -> bool:
        """Store a worker's heartbeat and figures.

        False without a previous one: the worker is new or was frozen, or Redis lost data.
        """
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(_key(worker_id), json.dumps(figures), ex=GONE_SECS, get=True)
        pipe.sadd(INDEX, worker_id)
        previous, _ = await pipe.execute()
        return previous is not None

    async def lead(self, worker_id: str) -> bool:
        """Become or stay the reaper for GONE_SECS. False: another worker is."""
        taken = await self._redis.set(REAPER, worker_id, ex=GONE_SECS, nx=True)
        if not taken and await self._redis.get(REAPER) == worker_id:
            taken = await self._redis.expire(REAPER, GONE_SECS)
        return bool(taken)

    async def leave(self, worker_id: str) -> None:
        """Remove a stopping worker's heartbeat: it counts as lost."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.delete(_key(worker_id))
        pipe.srem(INDEX, worker_id)
        await pipe.execute()

    async def alive(self) -> dict[str, WorkerStatus]:
        """Live workers' figures by id; also removes lost ids."""
        ids = sorted(map(str, await self._redis.smembers(INDEX)))
        if not ids:
            return {}
        heartbeats = dict(zip(ids, await self._redis.mget([_key(i) for i in ids]), strict=True))
        if gone := [i for i, heartbeat in heartbeats.items() if heartbeat is None]:
            await self._redis.srem(INDEX, *gone)
        return {i: json.loads(heartbeat) for i, heartbeat in heartbeats.items() if heartbeat is not None}

    async def clocks(self) -> dict[str, float]:
        """Each live worker's clock minus Redis's, in seconds, by id.

        A heartbeat has the worker's time, `at`; the key's remaining life gives its age.
        """
        ids = list(await self.alive())
        pipe = self._redis.pipeline(transaction=False)
        pipe.time()
        for worker_id in ids:
            pipe.get(_key(worker_id))
            pipe.pttl(_key(worker_id))
        (secs, micros), *replies = await pipe.execute()
        now, ahead = secs + micros / 1e6, {}
        for worker_id, heartbeat, left_ms in zip(ids, replies[::2], replies[1::2], strict=True):
            figures = json.loads(heartbeat) if heartbeat is not None and left_ms > 0 else {}
            if "at" in figures:
                ahead[worker_id] = figures["at"] - (now - GONE_SECS + left_ms / 1000)
        return ahead

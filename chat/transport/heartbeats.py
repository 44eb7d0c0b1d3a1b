"""Which worker processes live: each beats into Redis, and who falls silent is gone.

Key `worker:<id>` holds the worker's live figures as JSON and expires by itself; the set `workers`
lists the ids, so that nobody has to scan. Key `reaper` holds the id of the worker that looks after the
responses of the others.
"""

import json
from typing import Any

from redis.asyncio import Redis

HEARTBEAT_SECS = 2  # how often a worker beats
GONE_SECS = 6  # three beats missed: it is gone

INDEX = "workers"
REAPER = "reaper"
Figures = dict[str, Any]


def _key(worker_id: str) -> str:
    return f"worker:{worker_id}"


class Heartbeats:
    """The beats of all workers behind one Redis client."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def beat(self, worker_id: str, figures: Figures) -> bool:
        """Say that the worker lives, with its figures of this moment.

        False: the last beat was gone. It is the first one, the worker was frozen, or Redis lost its data.
        """
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(_key(worker_id), json.dumps(figures), ex=GONE_SECS, get=True)
        pipe.sadd(INDEX, worker_id)
        before, _ = await pipe.execute()
        return before is not None

    async def lead(self, worker_id: str) -> bool:
        """Be the reaper, or stay it, until GONE_SECS from now. False: another worker is."""
        taken = await self._redis.set(REAPER, worker_id, ex=GONE_SECS, nx=True)
        if not taken and await self._redis.get(REAPER) == worker_id:
            taken = await self._redis.expire(REAPER, GONE_SECS)
        return bool(taken)

    async def leave(self, worker_id: str) -> None:
        """Say that the worker stops, so that nobody waits for its silence."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.delete(_key(worker_id))
        pipe.srem(INDEX, worker_id)
        await pipe.execute()

    async def alive(self) -> dict[str, Figures]:
        """The figures of each living worker by its id; the ids of dead ones are cleared away."""
        ids = sorted(map(str, await self._redis.smembers(INDEX)))
        if not ids:
            return {}
        beats = dict(zip(ids, await self._redis.mget([_key(i) for i in ids]), strict=True))
        if gone := [i for i, beat in beats.items() if beat is None]:
            await self._redis.srem(INDEX, *gone)
        return {i: json.loads(beat) for i, beat in beats.items() if beat is not None}

    async def clocks(self) -> dict[str, float]:
        """How far the clock of each living worker is ahead of Redis's, in seconds, by the worker's id.

        A beat tells its moment by the worker's clock, as `at`; what is left of its key tells how long ago.
        """
        ids = list(await self.alive())
        pipe = self._redis.pipeline(transaction=False)
        pipe.time()
        for worker_id in ids:
            pipe.get(_key(worker_id))
            pipe.pttl(_key(worker_id))
        (secs, micros), *replies = await pipe.execute()
        now, ahead = secs + micros / 1e6, {}
        for worker_id, beat, left_ms in zip(ids, replies[::2], replies[1::2], strict=True):
            told = json.loads(beat) if beat is not None and left_ms > 0 else {}
            if "at" in told:
                ahead[worker_id] = told["at"] - (now - GONE_SECS + left_ms / 1000)
        return ahead

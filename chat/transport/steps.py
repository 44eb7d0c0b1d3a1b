"""Results of a program's steps: what an attempt has done need not be done again by the next.

A Redis hash per response, which expires with its log; a field per step, with its result as JSON.
"""

from redis.asyncio import Redis

from chat.transport.event_log import LIVE_SECS
from chat.transport.redis_keys import steps_key


class Steps:
    """The steps of one response. Raises LogError."""

    def __init__(self, redis: Redis, response_id: str) -> None:
        self._redis = redis
        self._key = steps_key(response_id)

    async def result(self, name: str) -> str | None:
        """The result of a step; None: no attempt has done it."""
        found = await self._redis.hget(self._key, name)
        return None if found is None else str(found)

    async def keep(self, name: str, result: str) -> str:
        """Keep the first result of a step; return the kept one, which another attempt may have written."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hsetnx(self._key, name, result)
            pipe.expire(self._key, LIVE_SECS)
            pipe.hget(self._key, name)
            *_, kept = await pipe.execute()
        return str(kept)

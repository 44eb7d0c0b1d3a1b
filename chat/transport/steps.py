"""Results of a program's steps: what an attempt has done need not be done again by the next.

A Redis hash per response, which expires with its log; a field per step, with its result as JSON.
"""

from collections.abc import Callable

from redis.asyncio import Redis

from chat.transport.event_log import LIVE_SECS, Log
from chat.transport.redis_keys import steps_key


class SupersededError(Exception):
    """The log has an event that this attempt did not write: of a later attempt, or an end."""


class Steps:
    """The steps of one response, for one attempt. Raises LogError.

    `next_number`: of the attempt's next event.
    """

    def __init__(self, redis: Redis, response_id: str, next_number: Callable[[], int]) -> None:
        self._redis, self._log = redis, Log(redis)
        self._id, self._key = response_id, steps_key(response_id)
        self._next_number = next_number

    async def check(self) -> None:
        """Raise SupersededError if another has written. Our own number is read afterwards: we may append."""
        top = await self._log.top(self._id)
        if top is not None and top >= self._next_number():
            raise SupersededError

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

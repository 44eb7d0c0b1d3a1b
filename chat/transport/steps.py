"""Results of a program's steps: what an attempt has done need not be done again by the next.

A Redis hash per response, which expires with its log; a field per step, with its result as JSON.
"""

from collections.abc import Callable
from pathlib import Path

from redis.asyncio import Redis

from chat.transport.event_log import Log, key
from chat.transport.redis_keys import steps_key

MAX_RESULTS_BYTES = 8_388_608  # of one response: Redis keeps them in memory

_KEEP = Path(__file__).with_name("keep_step.lua").read_text()


class TooManyResultsError(ValueError):
    """The results of all steps have more than MAX_RESULTS_BYTES."""


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
        self._script = redis.register_script(_KEEP)

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
        """Keep the first result of a step; return the kept one, which another attempt may have written.

        Without a log nothing is kept. Raises TooManyResultsError.
        """
        args: list[str | int] = [name, result, MAX_RESULTS_BYTES]
        kept = await self._script(keys=[key(self._id), self._key], args=args)
        if kept is None:
            raise TooManyResultsError
        return str(kept)

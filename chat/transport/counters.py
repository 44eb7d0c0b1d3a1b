"""Counts that expire: shared in Redis; while it is unavailable, of this process.

Key `<prefix>:count:<name>`, which lives as long as its window.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from chat.transport import redis_client
from chat.transport.event_log import LogError
from chat.transport.redis_keys import prefixed

MOST_NAMES = 10_000  # in this process; then the oldest goes


class Count(NamedTuple):
    """A count, and the seconds left of its window."""

    value: int
    secs_left: float


class LocalCounters:
    """Counts of this process."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._windows: dict[str, tuple[int, float]] = {}  # value and end, the oldest first

    def add(self, names: Sequence[str], secs: int, by: int) -> list[Count]:
        """Add to each count; a new one has a window of `secs`."""
        return [self._add(name, secs, by) for name in names]

    def get(self, name: str) -> Count:
        """A count, which is 0 without a window."""
        value, end = self._windows.get(name, (0, 0.0))
        left = end - self._now()
        return Count(value, left) if left > 0 else Count(0, 0)

    def _add(self, name: str, secs: int, by: int) -> Count:
        now = self._now()
        value, end = self._windows.get(name, (0, 0.0))
        if end <= now:
            self._windows.pop(name, None)
            value, end = 0, now + secs
        self._windows[name] = value + by, end
        if len(self._windows) > MOST_NAMES:
            del self._windows[next(iter(self._windows))]
        return Count(value + by, end - now)


local = LocalCounters()


async def add(names: Sequence[str], secs: int, by: int = 1) -> list[Count]:
    """Add to each count; a new one has a window of `secs`."""
    pipe = redis_client.client().pipeline()
    for key in (prefixed(f"count:{name}") for name in names):
        pipe.set(key, 0, ex=secs, nx=True)
        pipe.incrby(key, by)
        pipe.pttl(key)
    try:
        replies = await pipe.execute()
    except LogError:
        return local.add(names, secs, by)
    return [Count(value, left_ms / 1000) for _, value, left_ms in zip(*[iter(replies)] * 3, strict=True)]

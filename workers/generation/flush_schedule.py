"""When the next flush is due: soon for the first text of an answer, at intervals for the rest. Pure.

Times are in seconds of one monotonic clock.
"""

from dataclasses import dataclass

MIN_INTERVAL_SECS = 0.008  # one answer alone is hardly delayed
INTERVAL_SECS_PER_STREAM = 0.0012  # the more answers, the more text shares a frame: 68 ms at 50
MAX_INTERVAL_SECS = 0.080  # text that comes in larger steps looks halting
MAX_PERIOD_SECS = 0.110  # from flush to flush: the longer one takes, the shorter the wait for the next
RETRY_SECS = 0.5  # after a flush that Redis did not take


def interval(streams: int, flush_secs: float) -> float:
    """The seconds to wait after a flush that took so long, with so many open streams."""
    room = max(MIN_INTERVAL_SECS, MAX_PERIOD_SECS - flush_secs)
    return min(MIN_INTERVAL_SECS + INTERVAL_SECS_PER_STREAM * streams, MAX_INTERVAL_SECS, room)


@dataclass(slots=True)
class FlushSchedule:
    """Whether a flush is wanted, and from when on it may begin."""

    _wanted: bool = False
    _urgent: bool = False
    _begun: float = 0
    _not_before: float = 0

    def request(self, *, urgent: bool = False) -> bool:
        """Ask for a flush; an urgent one does not wait for the interval. True: it is now due sooner."""
        sooner = not self._wanted or urgent > self._urgent
        self._wanted = True
        self._urgent = self._urgent or urgent
        return sooner

    def delay(self, now: float) -> float | None:
        """The seconds until the next flush, 0 if it is due; None: none is wanted."""
        if not self._wanted:
            return None
        return 0 if self._urgent else max(0, self._not_before - now)

    def begin(self, now: float) -> None:
        """A flush begins: what is requested from now on is for the next one."""
        self._wanted = self._urgent = False
        self._begun = now

    def end(self, now: float, streams: int, *, failed: bool) -> None:
        """The flush has ended. `failed`: Redis took not everything, and may take it later."""
        self._not_before = now + (RETRY_SECS if failed else interval(streams, now - self._begun))

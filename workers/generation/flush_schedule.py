"""When to flush: soon for an answer's first text, at intervals for the rest. Pure.

Times are seconds of one monotonic clock.
"""

from dataclasses import dataclass

MIN_INTERVAL_SECS = 0.008  # hardly delays a single answer
INTERVAL_SECS_PER_STREAM = 0.0012  # more answers, more text per frame: 68 ms at 50
MAX_INTERVAL_SECS = 0.080  # larger steps look halting
MAX_PERIOD_SECS = 0.110  # between starts: a long flush shortens the wait
RETRY_SECS = 0.5  # after a failed flush


def interval(streams: int, flush_secs: float) -> float:
    """The seconds to wait after a flush."""
    room = max(MIN_INTERVAL_SECS, MAX_PERIOD_SECS - flush_secs)
    return min(MIN_INTERVAL_SECS + INTERVAL_SECS_PER_STREAM * streams, MAX_INTERVAL_SECS, room)


@dataclass(slots=True)
class FlushSchedule:
    """Whether a flush is requested, and its earliest start."""

    _wanted: bool = False
    _urgent: bool = False
    _begun: float = 0
    _not_before: float = 0

    def request(self, *, urgent: bool = False) -> bool:
        """Request a flush; an urgent one skips the interval. True: now due sooner."""
        sooner = not self._wanted or urgent > self._urgent
        self._wanted = True
        self._urgent = self._urgent or urgent
        return sooner

    def delay(self, now: float) -> float | None:
        """The seconds to the next flush, 0 if due; None if not requested."""
        if not self._wanted:
            return None
        return 0 if self._urgent else max(0, self._not_before - now)

    def begin(self, now: float) -> None:
        """Begin a flush; later requests are for the next."""
        self._wanted = self._urgent = False
        self._begun = now

    def end(self, now: float, streams: int, *, failed: bool) -> None:
        """End a flush. `failed`: something must be retried."""
        self._not_before = now + (RETRY_SECS if failed else interval(streams, now - self._begun))

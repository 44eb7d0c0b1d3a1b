"""Whether and when to retry a failed model request. Pure."""

from dataclasses import dataclass

from workers.providers.base import Pause, ProviderError

RETRY_SECS = (0.3, 1.0)  # most short faults are over by then
RETRY_AFTER_SECS = 20  # a longer wait fails at once
MAX_WAITS = 3  # a server that requests more is full


@dataclass(slots=True)
class RetryPolicy:
    """One attempt's retries, until `until` on the caller's clock."""

    until: float
    _failures: int = 0
    _waits: int = 0

    def after(self, error: ProviderError, now: float) -> Pause | None:
        """The pause before the next request; None: do not retry.

        After Retry-After: then or never. Otherwise soon, unless the error is permanent.
        """
        if error.retry_after is not None:
            return self._wait(error, error.retry_after, now)
        if error.permanent or self._failures == len(RETRY_SECS):
            return None
        self._failures += 1
        return Pause(RETRY_SECS[self._failures - 1])

    def _wait(self, error: ProviderError, asked: float, now: float) -> Pause | None:
        seconds = round(max(asked, RETRY_SECS[0]), 3)  # "0" must not busy-loop
        if self._waits == MAX_WAITS or seconds > RETRY_AFTER_SECS or now + seconds >= self.until:
            return None
        self._waits += 1
        return Pause(seconds, error.code)

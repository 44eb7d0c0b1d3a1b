"""Whether a failed request to a model is retried, and when. Pure."""

from dataclasses import dataclass

from workers.providers.base import Pause, ProviderError

RETRY_SECS = (0.3, 1.0)  # before each retry: most blips are over by then
RETRY_AFTER_SECS = 20  # a reader may wait this long; a longer wait is reported as a failure at once
MAX_WAITS = 3  # a server that asks for more waits than this is full


@dataclass(slots=True)
class RetryPolicy:
    """The retries of one attempt, which must end by `until` on the caller's clock."""

    until: float
    _failures: int = 0
    _waits: int = 0

    def after(self, error: ProviderError, now: float) -> Pause | None:
        """Return the pause between this error and the next request; None: do not retry.

        A server that sends Retry-After is asked then or never. Any other is asked soon, unless the error is
        permanent.
        """
        if error.retry_after is not None:
            return self._wait(error, error.retry_after, now)
        if error.permanent or self._failures == len(RETRY_SECS):
            return None
        self._failures += 1
        return Pause(RETRY_SECS[self._failures - 1])

    def _wait(self, error: ProviderError, asked: float, now: float) -> Pause | None:
        seconds = round(max(asked, RETRY_SECS[0]), 3)  # "0" must not become a busy loop
        if self._waits == MAX_WAITS or seconds > RETRY_AFTER_SECS or now + seconds >= self.until:
            return None
        self._waits += 1
        return Pause(seconds, error.code)

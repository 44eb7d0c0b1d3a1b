"""Whether a model's server that failed is asked again, and when. Pure."""

from dataclasses import dataclass

from workers.providers.base import Pause, ProviderError

RETRY_SECS = (0.3, 1.0)  # before a server that failed is asked again: most blips are over by then
RETRY_AFTER_SECS = 20  # a reader looks on for so long; who has to wait longer had better know it at once
MAX_WAITS = 3  # a server that puts us off again and again is full


@dataclass(slots=True)
class RetryPolicy:
    """The tries of one answer. `until` is the moment, on the caller's clock, when it must be over."""

    until: float
    _failures: int = 0
    _waits: int = 0

    def after(self, error: ProviderError, now: float) -> Pause | None:
        """The pause after this error, before the next try; None: there is none.

        A server that names a time is asked then or never. Any other is asked soon, if that may help.
        """
        if error.retry_after is not None:
            return self._wait(error, error.retry_after, now)
        if error.permanent or self._failures == len(RETRY_SECS):
            return None
        self._failures += 1
        return Pause(RETRY_SECS[self._failures - 1])

    def _wait(self, error: ProviderError, asked: float, now: float) -> Pause | None:
        seconds = round(max(asked, RETRY_SECS[0]), 3)  # "0" must not make us hammer at its door
        if self._waits == MAX_WAITS or seconds > RETRY_AFTER_SECS or now + seconds >= self.until:
            return None
        self._waits += 1
        return Pause(seconds, error.code)

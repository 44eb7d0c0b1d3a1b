"""The benchmark's tokens. Pure.

A token is `<n>:<microseconds> `: n from 0, and the sender's monotonic clock, shared by all processes of a
machine. So a reader can check text, however split, for lost or doubled tokens and their latencies.
"""

from bisect import bisect_left
from dataclasses import dataclass, field

MICROSECONDS = 1_000_000


class WrongStreamError(Exception):
    """A token is lost, doubled, out of order or garbled: the run is void."""


def token(number: int, now: float) -> str:
    """Return the token of this number and time (seconds of the monotonic clock)."""
    return f"{number}:{int(now * MICROSECONDS)} "


@dataclass(slots=True)
class TokenReader:
    """Reads an answer of `count` tokens, piece by piece."""

    count: int
    latencies: list[float] = field(default_factory=list)  # seconds, per token
    sent: list[float] = field(default_factory=list)  # on the monotonic clock, per token
    _rest: str = ""

    def feed(self, text: str, now: float) -> int:
        """Read text that arrived at `now`; return the number of completed tokens.

        Raises WrongStreamError.
        """
        *whole, self._rest = (self._rest + text).split(" ")
        for each in whole:
            number, _, sent_at = each.partition(":")
            if number != str(len(self.latencies)) or not sent_at.isdigit():
                message = f"token {len(self.latencies)} was expected, and {each!r} came"
                raise WrongStreamError(message)
            self.sent.append(int(sent_at) / MICROSECONDS)
            self.latencies.append(now - self.sent[-1])
        return len(whole)

    def between(self, begin: float, end: float) -> list[float]:
        """Return latencies of tokens sent from `begin`, before `end`."""
        return self.latencies[bisect_left(self.sent, begin) : bisect_left(self.sent, end)]

    def arrived(self, begin: float, end: float) -> int:
        """Return the number of tokens arrived from `begin`, before `end`."""
        return sum(begin <= sent + late < end for sent, late in zip(self.sent, self.latencies, strict=True))

    def finish(self) -> None:
        """End the answer. Raises WrongStreamError if incomplete."""
        if self._rest or len(self.latencies) != self.count:
            message = f"{len(self.latencies)} of {self.count} tokens came, and then {self._rest!r}"
            raise WrongStreamError(message)

"""The tokens of the benchmark: each carries its number in the answer and the time it was sent. Pure.

A token is `<n>:<microseconds> `, with n from 0 and the sender's monotonic clock, which all processes of a
machine share. So a reader of the text, however it was split or joined, can check that every token came once
and in order, and how long each took.
"""

from bisect import bisect_left
from dataclasses import dataclass, field

MICROSECONDS = 1_000_000


class WrongStreamError(Exception):
    """A token is lost, doubled, out of order or garbled: the run is void."""


def token(number: int, now: float) -> str:
    """The token with this number, sent at this moment (seconds of the monotonic clock)."""
    return f"{number}:{int(now * MICROSECONDS)} "


@dataclass(slots=True)
class TokenReader:
    """Reads the text of one answer of `count` tokens, piece by piece."""

    count: int
    latencies: list[float] = field(default_factory=list)  # seconds, one per token
    sent: list[float] = field(default_factory=list)  # when, on the monotonic clock, one per token
    _rest: str = ""

    def feed(self, text: str, now: float) -> int:
        """Take text that came at this moment; returns how many tokens it completed.

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
        """The latencies of the tokens that were sent from `begin` on and before `end`."""
        return self.latencies[bisect_left(self.sent, begin) : bisect_left(self.sent, end)]

    def arrived(self, begin: float, end: float) -> int:
        """How many tokens came from `begin` on and before `end`."""
        return sum(begin <= sent + late < end for sent, late in zip(self.sent, self.latencies, strict=True))

    def finish(self) -> None:
        """The answer is over. Raises WrongStreamError when it is not whole."""
        if self._rest or len(self.latencies) != self.count:
            message = f"{len(self.latencies)} of {self.count} tokens came, and then {self._rest!r}"
            raise WrongStreamError(message)

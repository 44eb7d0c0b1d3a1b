"""The order of a response's events at one reader: drop what was seen, notice what is missing.

Hints arrive late, twice, out of order or never. The log holds the truth; `Following` says which events
of a hint may go on as they are, and when the log must be read. Pure: no I/O.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Following:
    """A reader's place in a response: `last` is the highest sequence number it has, -1 for none."""

    last: int = -1

    def take(self, first: int, events: Sequence[str]) -> Sequence[str] | None:
        """Move on over `events`, the first of which is number `first`.

        Returns the events that are new, in order; None when some before them are missing: read the
        log after `last`, and take those first.
        """
        if first > self.last + 1:
            return None
        fresh = events[self.last + 1 - first :]
        self.last += len(fresh)
        return fresh

    def jump(self, to: int) -> None:
        """A snapshot told everything up to the number `to`, whatever was seen before."""
        self.last = to

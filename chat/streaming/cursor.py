"""The order of a response's events at one reader: drop what was seen, notice what is missing.

Hints arrive late, twice, out of order or never. The log holds the truth, but Redis may lose it, and another
may take its place. `Following` decides what goes on, when the log must be read, and when only the whole
answer helps. Pure: no I/O.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chat.protocol.state import EPOCH_SIZE

NOTHING = -1  # no event yet: the first one is next
UNKNOWN = -2  # not even where to begin: only a snapshot helps


class Numbered(Protocol):
    """An entry of the log."""

    @property
    def sequence_number(self) -> int:
        """The number of its event."""

    @property
    def event(self) -> str:
        """The event, encoded."""


@dataclass(slots=True)
class Cursor:
    """A reader's place in a response: `last` is the sequence number of the last event that it has."""

    last: int = NOTHING

    @property
    def is_lost(self) -> bool:
        """Whether the log need not be asked: the reader needs a snapshot."""
        return self.last == UNKNOWN

    @property
    def is_at_opening(self) -> bool:
        """Whether the last event that it has is the one that ends an opening: it waits for a worker."""
        return self.last >= 0 and self.last % EPOCH_SIZE == 1

    def take(self, first: int, events: Sequence[str]) -> Sequence[str] | None:
        """Move on over `events`, the first of which is number `first`.

        Returns the events that are new, in order; None when some before them are missing: read the log,
        from our place on, and take that first.
        """
        if first > self.last + 1:
            return None
        fresh = events[self.last + 1 - first :]
        self.last += len(fresh)
        return fresh

    def take_log(self, entries: Sequence[Numbered]) -> Sequence[str] | None:
        """Move on over what the log has *from* number `last` on: if it is our log, the first we know.

        Returns the events that are new, in order; None when the log does not go on from our place (it is
        gone, it ends before, it begins later, it has a hole): tell the whole answer, and `jump`.
        """
        if not entries or entries[-1].sequence_number - entries[0].sequence_number != len(entries) - 1:
            return None
        return self.take(entries[0].sequence_number, [entry.event for entry in entries])

    def is_behind(self, top: int | None) -> bool:
        """Whether the log is to be read: its highest number, None without a log, is not our place."""
        return top != self.last

    def give_back(self, count: int) -> None:
        """The last `count` of the events that were taken could not go on: they come again."""
        self.last -= count

    def jump(self, to: int) -> None:
        """A snapshot told everything up to the number `to`, whatever was seen before."""
        self.last = to

"""What a reader of a response is sent next: every decision about order, gaps and pauses. Pure: no I/O.

Notifications arrive late, twice, out of order or never. The log has the truth, but Redis may lose it, and
another log may take its place. Each input returns the next action, or None when there is nothing to do.
"""

import math
from dataclasses import dataclass
from enum import Enum, auto

from chat.protocol.events import Snapshot, encode, is_terminal
from chat.protocol.objects import ResponseObject
from chat.protocol.state import EPOCH_SIZE, ResponseState

NOTHING = -1  # no event yet: the first one is next
UNKNOWN = -2  # no position at all: only a snapshot helps
CHUNK = 500  # events that are read from the log and sent at once, some 100 KiB; at least 2
ACK_WINDOW = 1000  # events that are sent beyond the last acknowledged one: seconds of a fast answer
IDLE_CHECKS = 3  # in a row; then the row is checked, too: Redis may be back without the end


class Step(Enum):
    """An action that is not to send events."""

    READ = auto()  # read CHUNK entries of the log *from* `last` on, not after it; then `on_entries`
    SNAPSHOT = auto()  # fold the whole log, then `on_state`
    ROW = auto()  # read the row, then `on_row`
    DONE = auto()  # unsubscribe


# A list: send these events, or call `rewind` if the client pauses before the last one; go on with `then`.
Action = list[str] | Step


@dataclass(slots=True)
class Cursor:
    """A reader's position in a response, and all else that decides what it is sent."""

    last: int = NOTHING  # the sequence number of the last event that it has
    row_ended: bool = False  # its row has the end: a log without one has lost it
    replaying: bool = False  # it waits for `tailrace:up_to_date`
    paused: bool = False  # it is sent nothing; the log is read from `last` on later
    done: bool = False  # it is unsubscribed
    limit: float = math.inf  # the number to stop at until the client acknowledges more
    then: Step | None = None  # the action after the events that are being sent
    idle_checks: int = 1  # checks since something came; as if there had been one

    def on_notification(self, first: int, events: list[str], client_paused: bool) -> Action | None:
        """Send the new ones of `events`, which are numbered from `first`; read the log on a gap."""
        if self.paused:
            return None
        if first > self.last + 1 or self.must_wait(client_paused):
            return self.catch_up(client_paused)
        new = events[self.last + 1 - first :]
        return self._advance(new, Step.DONE if new and is_terminal(new[-1]) else None)

    def catch_up(self, client_paused: bool) -> Action | None:
        """Read the log, now or when the client may be sent more."""
        self.paused = self.must_wait(client_paused)
        if self.paused:
            return None
        return Step.SNAPSHOT if self.last == UNKNOWN else Step.READ

    def on_entries(self, numbers: list[int], events: list[str]) -> Action:
        """Send the new events; a snapshot if the log is gone, has a hole, or does not continue from `last`.

        An entry with the number `last` comes first, or one just above it: else it is another log.
        """
        if not numbers or numbers[0] > self.last + 1 or numbers[-1] - numbers[0] != len(numbers) - 1:
            return Step.SNAPSHOT
        ended = is_terminal(events[-1])
        self.paused = len(events) == CHUNK and not ended  # other responses have their turn before the rest
        then = Step.SNAPSHOT if self.row_ended and not self.paused else None
        return self._advance(events[self.last + 1 - numbers[0] :], Step.DONE if ended else then)

    def on_state(self, state: ResponseState | None) -> Action:
        """Send the folded log as a snapshot; the row's if the log is gone, or only the row has the end."""
        if state is None or (self.row_ended and state.ended is None):
            return Step.ROW
        snapshot = state.snapshot()
        self.last = snapshot.sequence_number - 1  # which may be behind or ahead of where it was
        return self._advance([encode(snapshot)], Step.DONE if state.ended else None)

    def on_row(self, response: ResponseObject | None, *, live: bool = False) -> Action | None:
        """Send the row as a snapshot. A live row has no text: a reader that has some keeps it."""
        if response is None:  # it was deleted
            return Step.DONE
        if live and self.last != UNKNOWN:
            return None
        number = max(self.last, 0)
        self.last = number - 1
        snapshot = Snapshot(sequence_number=number, response_id=response["id"], response=response)
        return self._advance([encode(snapshot)], None if live else Step.DONE)

    def _advance(self, events: list[str], then: Step | None) -> Action:
        self.last += len(events)
        self.idle_checks, self.then = 0, then
        return events

    def rewind(self, unsent: int) -> None:
        """Take back the last `unsent` of the events: the client has paused."""
        self.last -= unsent
        self.paused, self.then = True, None

    def must_wait(self, client_paused: bool) -> bool:
        """Whether nothing may be sent until the client reads or acknowledges."""
        return client_paused or self.last >= self.limit or self.done

    def acknowledge(self, number: int) -> None:
        """The client has read up to `number`, and will acknowledge again."""
        self.limit = number + ACK_WINDOW

    def suspects_row(self) -> bool:
        """Whether to check the row: nothing came for so long that Redis may have lost the end."""
        return self.idle_checks > IDLE_CHECKS and not self.row_ended

    def on_check(self, top: int | None, client_paused: bool) -> Action | None:
        """Catch up if the highest number in the log, None without a log, is not `last`."""
        is_behind = top != self.last or self.replaying or self.row_ended
        return self.catch_up(client_paused) if is_behind else None

    def end_check(self) -> bool:
        """Whether to send a heartbeat: nothing came since the check before."""
        self.idle_checks += 1
        return self.idle_checks > 1 and not self.done


def ends_opening(number: int) -> bool:
    """Whether a number is the last one of a log's opening: a reader that has no more waits for a worker."""
    return number >= 0 and number % EPOCH_SIZE == 1

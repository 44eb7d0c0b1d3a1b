"""Decide a reader's next action: order, gaps, pauses. Pure.

Notifications may be late, duplicate, out of order or lost; Redis may lose or replace the log.
"""

import math
from dataclasses import dataclass
from enum import Enum, auto

from chat.protocol.events import Snapshot, encode, is_terminal
from chat.protocol.objects import ResponseObject
from chat.protocol.state import EPOCH_SIZE, ResponseState

NOTHING = -1  # before the first event
UNKNOWN = -2  # no position: needs a snapshot
CHUNK = 500  # events per read of the log at most
READ_CHARS = 64 * 1024  # of a read, if its events are as long as those before
ACK_WINDOW = 1000  # events beyond the last acknowledged: seconds of a fast answer
IDLE_CHECKS = 3  # in a row; then check the row: Redis may have lost the end


class Step(Enum):
    """An action other than sending events."""

    READ = auto()  # read `count` entries starting *at* `last`; then `on_entries`
    SNAPSHOT = auto()  # fold the log; then `on_state`
    ROW = auto()  # read the row; then `on_row`
    DONE = auto()  # unsubscribe


# A list: send these events, then perform `then`; on a pause before the last one, call `rewind`.
Action = list[str] | Step


@dataclass(slots=True)
class Cursor:
    """A reader's position and pauses."""

    last: int = NOTHING  # the last event sent
    row_ended: bool = False  # a log without a terminal event has lost it
    replaying: bool = False  # `tailrace:up_to_date` is due
    paused: bool = False  # send nothing; read the log from `last` later
    done: bool = False  # unsubscribed
    event_chars: int = 1024  # of an event of the last read; unknown before
    limit: float = math.inf  # pause here until the client acknowledges
    then: Step | None = None  # the action after these events
    idle_checks: int = 1  # since the last event; starts as after one check

    def on_notification(self, first: int, events: list[str], client_paused: bool) -> Action | None:
        """Send new `events`, numbered from `first`; read the log on a gap."""
        if self.paused:
            return None
        if first > self.last + 1 or self.must_wait(client_paused):
            return self.catch_up(client_paused)
        new = events[self.last + 1 - first :]
        return self._advance(new, Step.DONE if new and is_terminal(new[-1]) else None)

    def catch_up(self, client_paused: bool) -> Action | None:
        """Read the log, or pause."""
        self.paused = self.must_wait(client_paused)
        if self.paused:
            return None
        return Step.SNAPSHOT if self.last == UNKNOWN else Step.READ

    @property
    def count(self) -> int:
        """Events of the next read: at least 2, since it begins with one that was sent."""
        return max(min(READ_CHARS // self.event_chars, CHUNK), 2)

    def on_entries(self, numbers: list[int], events: list[str]) -> Action:
        """Send new events; a snapshot if the log is lost, replaced or has a hole.

        A log that starts with neither `last` nor the next number was replaced.
        """
        if not numbers or numbers[0] > self.last + 1 or numbers[-1] - numbers[0] != len(numbers) - 1:
            return Step.SNAPSHOT
        ended = is_terminal(events[-1])
        self.paused = len(events) == self.count and not ended  # other responses get their turn first
        self.event_chars = sum(map(len, events)) // len(events)
        then = Step.SNAPSHOT if self.row_ended and not self.paused else None
        return self._advance(events[self.last + 1 - numbers[0] :], Step.DONE if ended else then)

    def on_state(self, state: ResponseState | None) -> Action:
        """Send a snapshot; check the row if the log is lost or lacks the row's end."""
        if state is None or (self.row_ended and state.ended is None):
            return Step.ROW
        snapshot = state.snapshot()
        self.last = snapshot.sequence_number - 1  # may go backward or forward
        return self._advance([encode(snapshot)], Step.DONE if state.ended else None)

    def on_row(
        self, response: ResponseObject | None, *, live: bool = False, last_number: int | None = None
    ) -> Action | None:
        """Send the row as a snapshot; a live row has no text, so only to a reader without a position.

        `last_number`: of the terminal event.
        """
        if response is None:  # deleted
            return Step.DONE
        if live and self.last != UNKNOWN:
            return None
        number = max(self.last, 0) if last_number is None else last_number
        self.last = number - 1
        snapshot = Snapshot(sequence_number=number, response_id=response["id"], response=response)
        return self._advance([encode(snapshot)], None if live else Step.DONE)

    def _advance(self, events: list[str], then: Step | None) -> Action:
        self.last += len(events)
        self.idle_checks, self.then = 0, then
        return events

    def rewind(self, unsent: int) -> None:
        """Take back `unsent` events: the client paused."""
        self.last -= unsent
        self.paused, self.then = True, None

    def must_wait(self, client_paused: bool) -> bool:
        """Whether to pause until the client reads or acknowledges."""
        return client_paused or self.last >= self.limit or self.done

    def acknowledge(self, number: int) -> None:
        """Allow ACK_WINDOW events beyond `number`."""
        self.limit = number + ACK_WINDOW

    def suspects_row(self) -> bool:
        """Whether to check the row after a long silence."""
        return self.idle_checks > IDLE_CHECKS and not self.row_ended

    def on_check(self, top: int | None, client_paused: bool) -> Action | None:
        """Catch up unless `last` is `top`, the log's highest number (None: no log)."""
        is_behind = top != self.last or self.replaying or self.row_ended
        return self.catch_up(client_paused) if is_behind else None

    def end_check(self) -> bool:
        """Whether a heartbeat is due: no event since the previous check."""
        self.idle_checks += 1
        return self.idle_checks > 1 and not self.done


def ends_opening(number: int) -> bool:
    """Whether the opening ends here: the reader waits for a worker."""
    return number >= 0 and number % EPOCH_SIZE == 1

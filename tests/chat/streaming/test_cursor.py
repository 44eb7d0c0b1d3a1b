"""The cursor: in any interleaving the reader ends with exactly the log's events, in order and each once."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chat.protocol.events import Snapshot, encode
from chat.protocol.state import EPOCH_SIZE, ResponseState
from chat.streaming import cursor as cursor_module
from chat.streaming.cursor import ACK_WINDOW, NOTHING, UNKNOWN, Action, Cursor, Step, ends_opening

CHUNK = 3
OPENING, END = '{"type":"response.queued"}', '{"type":"response.completed"}'

Pieces = list[str]


@pytest.fixture(autouse=True, scope="module")
def _short_chunks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cursor_module, "CHUNK", CHUNK)
        yield


def state(number: int, pieces: Pieces, *, ended: bool = False) -> ResponseState:
    """A folded log, whose last event has the number."""
    response: Any = {"id": "r", "status": "completed" if ended else "in_progress", "pieces": list(pieces)}
    return ResponseState(response, number + 1, ended=response if ended else None)


def shown(event: str, before: Pieces) -> Pieces:
    """A reader's pieces after an event: one more, or a snapshot of all of them."""
    if event.startswith("piece"):
        return [*before, event]
    body: dict[str, Any] = json.loads(event)
    return list(body["response"]["pieces"]) if body["type"] == Snapshot.type else before


class Reader(RuleBasedStateMachine):
    """A response that is written, and whose log is lost and restored; its notifications; and one reader."""

    @initialize(last=st.sampled_from([NOTHING, UNKNOWN]))
    def start(self, last: int) -> None:
        self.log: list[tuple[int, str]] = []
        self.next = self.count = self.losses = 0
        self.texts: list[Pieces] = [[]]  # the written pieces: another list after each lost attempt
        self.notifications: list[list[tuple[int, str]]] = []  # all that were ever sent, received or not
        self.screen: Pieces = []
        self.room = math.inf  # frames that the client reads before it pauses
        self.cursor = Cursor(last)
        self.ended = False
        for _ in range(2):
            self.append(OPENING)
        self.perform(self.cursor.catch_up(False))

    @rule(count=st.integers(1, 4))
    @precondition(lambda self: not self.ended)
    def write(self, count: int) -> None:
        """The writer appends pieces and notifies of them; it restores a log that Redis has lost."""
        if self.top != self.next - 1:
            self.append(encode(state(self.next, self.texts[-1]).snapshot()))
            count = 1
        else:
            for _ in range(count):
                self.append(f"piece {self.count}")
                self.count += 1
        self.notifications.append(self.log[-count:])

    def append(self, event: str) -> None:
        self.log.append((self.next, event))
        self.texts[-1] = shown(event, self.texts[-1])
        self.next += 1

    @rule()
    @precondition(lambda self: not self.log and not self.ended)
    def start_attempt(self) -> None:
        """The log and its writer are lost: another attempt writes another text, far above the old numbers."""
        self.losses += 1
        self.next = self.losses * EPOCH_SIZE
        self.texts.append([])
        self.write(1)

    @rule()
    @precondition(lambda self: self.log and not self.ended)
    def end(self) -> None:
        """The terminal event; the row has the text from here on."""
        self.write(1)
        self.append(END)
        self.notifications.append(self.log[-1:])
        self.ended = True

    @rule(keep=st.integers(0, 6))
    def lose(self, keep: int) -> None:
        """Redis loses the log, or is back with older data."""
        self.log = self.log[:keep]

    @rule(received=st.lists(st.tuples(st.integers(0, 7), st.integers(1, 3)), min_size=1, max_size=4))
    def receive(self, received: list[tuple[int, int]]) -> None:
        """Any of the last notifications, new or again, alone or together with those after it."""
        for back, length in received:
            entries: list[tuple[int, str]] = []
            for part in self.notifications[-1 - back :][:length]:
                if not entries or part[0][0] == entries[-1][0] + 1:
                    entries += part
            events = [event for _, event in entries]
            if entries:
                self.perform(self.cursor.on_notification(entries[0][0], events, self.client_paused))

    @rule(room=st.sampled_from([0, 1, 2, 5, math.inf]))
    def read(self, room: float) -> None:
        """The client pauses, or reads some frames."""
        self.room = room
        self.resume()

    @rule(more=st.integers(0, 5))
    def acknowledge(self, more: int) -> None:
        self.cursor.acknowledge(self.cursor.last + more - ACK_WINDOW)
        self.resume()

    @rule(is_known=st.booleans())
    def reconnect(self, is_known: bool) -> None:
        """Another socket subscribes: from the last number, unless it has the end, or from none."""
        last = self.cursor.last if is_known and not self.cursor.done else UNKNOWN
        self.cursor = Cursor(last, row_ended=self.ended, replaying=True)
        self.perform(self.cursor.catch_up(self.client_paused))

    @rule()
    def check(self) -> None:
        if not self.client_paused:
            self.cursor.row_ended = self.cursor.row_ended or (self.cursor.suspects_row() and self.ended)
            self.perform(self.cursor.on_check(self.top, False))
            self.cursor.end_check()

    @property
    def top(self) -> int | None:
        return self.log[-1][0] if self.log else None

    @property
    def client_paused(self) -> bool:
        return self.room <= 0

    def resume(self) -> None:
        while self.cursor.paused and not self.cursor.must_wait(self.client_paused):
            self.perform(self.cursor.catch_up(self.client_paused))

    def perform(self, action: Action | None) -> None:
        while action is not None:
            action = self.send(action) if isinstance(action, list) else self.step(action)
        self.cursor.replaying = self.cursor.replaying and self.cursor.paused
        self.resume()

    def send(self, events: list[str]) -> Step | None:
        for sent, event in enumerate(events, 1):
            self.screen = shown(event, self.screen)
            self.room -= 1
            if self.client_paused and sent < len(events):
                self.cursor.rewind(len(events) - sent)
                break
        return self.cursor.then

    def step(self, step: Step) -> Action | None:
        match step:
            case Step.READ:
                entries = [entry for entry in self.log if entry[0] >= self.cursor.last][: self.cursor.count]
                numbers, events = [number for number, _ in entries], [event for _, event in entries]
                return self.cursor.on_entries(numbers, events)
            case Step.SNAPSHOT:
                pieces: Pieces = []
                for _, event in self.log:
                    pieces = shown(event, pieces)
                ended = bool(self.log) and self.log[-1][1] == END
                return self.cursor.on_state(
                    None if self.top is None else state(self.top, pieces, ended=ended)
                )
            case Step.ROW:
                row: Any = {"id": "r", "pieces": self.texts[-1] if self.ended else []}
                return self.cursor.on_row(row, live=not self.ended)
            case Step.DONE:
                self.cursor.done = True
                return None

    @invariant()
    def there_is_no_hole_and_nothing_comes_twice(self) -> None:
        assert any(self.screen == text[: len(self.screen)] for text in self.texts)

    @invariant()
    def a_cursor_at_the_top_of_the_log_has_all_of_it(self) -> None:
        if self.cursor.last == self.top == self.next - 1:
            assert self.screen == self.texts[-1]

    def teardown(self) -> None:
        """After some checks everything is there, whatever came before."""
        if not self.ended:
            self.write(1)
        self.cursor.limit = math.inf
        self.read(math.inf)
        for _ in range(cursor_module.IDLE_CHECKS + 2):
            self.check()
        assert self.screen == self.texts[-1]
        assert self.cursor.done == self.ended


TestReader = Reader.TestCase
TestReader.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize(
    ("last", "numbers", "new"),
    [
        (4, [4, 5], [5]),
        (4, [4], []),
        (4, [5, 6], [5, 6]),  # begun again with a snapshot, just above the cursor
        (NOTHING, [0, 1], [0, 1]),
        (4, [], None),  # the log is lost, or ends before
        (4, [6, 7], None),
        (4, [4, 6], None),  # Redis lost some of it
        (4, [4, EPOCH_SIZE], None),
        (NOTHING, [], None),
    ],
)
def test_a_log_is_continued_only_without_a_gap(last: int, numbers: list[int], new: list[int] | None) -> None:
    cursor = Cursor(last)
    action = cursor.on_entries(numbers, [f"event {number}" for number in numbers])
    assert action == (Step.SNAPSHOT if new is None else [f"event {number}" for number in new])
    assert cursor.last == (new[-1] if new else last)


@pytest.mark.parametrize(
    ("row_ended", "read", "then", "paused"),
    [
        (False, ["event 4", "event 5"], None, False),
        (False, ["event 4", "event 5", "event 6"], None, True),  # there may be more than a chunk
        (False, ["event 4", "event 5", END], Step.DONE, False),
        (False, [END], Step.DONE, False),  # it has the end already
        (True, ["event 4", "event 5"], Step.SNAPSHOT, False),  # Redis lost the end
        (True, ["event 4", "event 5", "event 6"], None, True),
        (True, ["event 4", END], Step.DONE, False),
    ],
)
def test_after_a_read_comes_the_next_chunk_the_end_or_what_only_the_row_has(
    row_ended: bool, read: list[str], then: Step | None, paused: bool
) -> None:
    cursor = Cursor(4, row_ended)
    assert cursor.on_entries(list(range(4, 4 + len(read))), read) == read[1:]
    assert (cursor.then, cursor.paused) == (then, paused)


@pytest.mark.parametrize(("chars", "count"), [(10, 500), (256, 256), (20_000, 3), (10**6, 2)])
def test_a_read_has_as_many_events_as_fit_by_the_length_of_those_before(
    monkeypatch: pytest.MonkeyPatch, chars: int, count: int
) -> None:
    monkeypatch.setattr(cursor_module, "CHUNK", 500)
    cursor = Cursor()
    assert cursor.count == 64
    cursor.on_entries([0, 1], [event.ljust(chars) for event in ("event 0", "event 1")])
    assert cursor.count == count


def test_the_end_in_a_notification_unsubscribes_unless_the_client_pauses_before_it() -> None:
    cursor = Cursor(3)
    assert cursor.on_notification(4, ["event 4", END], False) == ["event 4", END]
    assert (cursor.last, cursor.then) == (5, Step.DONE)
    cursor.rewind(1)
    assert (cursor.last, cursor.then, cursor.paused) == (4, None, True)
    assert cursor.catch_up(False) is Step.READ


@pytest.mark.parametrize("reason", ["client", "acknowledgement", "unsubscribed"])
def test_nothing_is_sent_to_a_reader_that_must_wait(reason: str) -> None:
    cursor = Cursor(3, done=reason == "unsubscribed")
    if reason == "acknowledgement":
        cursor.acknowledge(3 - ACK_WINDOW)
    client_paused = reason == "client"
    assert cursor.on_notification(4, ["event 4"], client_paused) is None
    assert (cursor.paused, cursor.last) == (True, 3)
    assert cursor.on_notification(4, ["event 4"], False) is None  # nor later: the log has it
    assert cursor.on_check(9, client_paused) is None
    assert cursor.paused
    cursor.done = False
    cursor.acknowledge(3)
    assert cursor.catch_up(False) is Step.READ
    assert not cursor.paused


@pytest.mark.parametrize("row_ended", [False, True])
@pytest.mark.parametrize("last", [UNKNOWN, 2, 99])
def test_the_folded_log_is_the_snapshot_unless_only_the_row_has_the_end(last: int, row_ended: bool) -> None:
    cursor = Cursor(last, row_ended)
    live, ended = state(7, ["some"]), state(8, ["all"], ended=True)
    assert cursor.on_state(None) is Step.ROW
    assert cursor.on_state(live) == (Step.ROW if row_ended else [encode(live.snapshot())])
    assert (cursor.last, cursor.then) == (last if row_ended else 7, None)
    assert cursor.on_state(ended) == [encode(ended.snapshot())]
    assert (cursor.last, cursor.then) == (8, Step.DONE)


@pytest.mark.parametrize("last", [UNKNOWN, NOTHING, 7, 99])
def test_a_row_is_sent_with_the_number_of_its_end(last: int) -> None:
    row: Any = {"id": "r"}
    cursor = Cursor(last)
    assert cursor.on_row(row, last_number=41) == [
        encode(Snapshot(sequence_number=41, response_id="r", response=row))
    ]
    assert (cursor.last, cursor.then) == (41, Step.DONE)


@pytest.mark.parametrize(("last", "number"), [(UNKNOWN, 0), (NOTHING, 0), (7, 7)])
def test_a_row_without_text_is_sent_only_to_a_reader_that_has_nothing_else(last: int, number: int) -> None:
    row: Any = {"id": "r"}
    sent = [encode(Snapshot(sequence_number=number, response_id="r", response=row))]
    assert Cursor(last).on_row(None) is Step.DONE
    assert Cursor(last).on_row(row, live=True) == (sent if last == UNKNOWN else None)
    cursor = Cursor(last)
    assert cursor.on_row(row) == sent
    assert (cursor.last, cursor.then) == (number, Step.DONE)


@pytest.mark.parametrize("last", [NOTHING, UNKNOWN, 0, 3])
def test_a_check_reads_the_log_unless_its_top_is_the_cursor(last: int) -> None:
    read = Step.SNAPSHOT if last == UNKNOWN else Step.READ
    for top in (None, 0, 2, 3, 4):
        assert Cursor(last).on_check(top, False) == (None if top == last else read)
        assert Cursor(last, row_ended=True).on_check(top, False) == read
        assert Cursor(last, replaying=True).on_check(top, False) == read


def test_idle_checks_send_heartbeats_and_after_three_the_row_is_suspected() -> None:
    cursor = Cursor()
    assert cursor.end_check()
    cursor.on_notification(0, ["event 0"], False)
    heartbeats, suspicions = [], []
    for _ in range(5):
        suspicions.append(cursor.suspects_row())
        heartbeats.append(cursor.end_check())
    assert heartbeats == [False, True, True, True, True]
    assert suspicions == [False, False, False, False, True]
    cursor.row_ended = True
    assert not cursor.suspects_row()
    cursor.done = True
    assert not cursor.end_check()


def test_a_reader_that_has_an_opening_and_no_more_waits_for_a_worker() -> None:
    assert [number for number in range(UNKNOWN, 4) if ends_opening(number)] == [1]
    assert [number for number in range(4) if ends_opening(EPOCH_SIZE + number)] == [1]

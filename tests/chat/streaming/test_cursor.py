"""Following: whatever happens to the hints and to the log, the reader sees each event once and in order."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chat.protocol.state import EPOCH_SIZE
from chat.streaming.cursor import NOTHING, UNKNOWN, Cursor

READ = 3  # entries that are read from the log at once


@dataclass(frozen=True)
class Entry:
    """An event in the log. Its text tells what it does to a screen."""

    sequence_number: int
    event: str


Screen = list[str]


def shown(event: str, before: Screen) -> Screen:
    """The screen after an event: another piece of the text, or a snapshot of all pieces so far."""
    kind, _, rest = event.partition(":")
    return [*before, rest] if kind == "piece" else rest.split()


class Readers(RuleBasedStateMachine):
    """A log that is written, lost and begun again; its hints; and one reader, who may lose its socket."""

    @initialize(cursor=st.sampled_from([NOTHING, UNKNOWN]), written=st.integers(1, 4))
    def begin(self, cursor: int, written: int) -> None:
        self.log: list[Entry] = []
        self.next = self.pieces = self.losses = 0
        self.truths: list[Screen] = [[]]  # what the log tells: another list after each log
        self.hints: list[list[Entry]] = []  # all that were ever sent, heard or not
        self.screen: Screen = []
        self.place = Cursor(cursor)
        self.ended = self.left = False
        self.write(written)
        self.catch_up()

    @rule(count=st.integers(1, 4))
    @precondition(lambda self: not self.ended)
    def write(self, count: int) -> None:
        """A writer appends some pieces and hints at them."""
        if self.log:
            for _ in range(count):
                self.append(f"piece:p{self.pieces}")
                self.pieces += 1
            self.hints.append(self.log[-count:])
        else:
            self.begin_again(above=False)

    def append(self, event: str) -> None:
        self.log.append(Entry(self.next, event))
        self.truths[-1] = shown(event, self.truths[-1])
        self.next += 1

    @rule(above=st.booleans())
    @precondition(lambda self: not self.log and not self.ended)
    def begin_again(self, above: bool) -> None:
        """The log was lost: a writer that has the text goes on, or another attempt begins with other text."""
        if above:
            self.losses += 1
            self.next = self.losses * EPOCH_SIZE
            self.truths.append([])
        self.append("snapshot:" + " ".join(self.truths[-1]))
        self.hints.append(self.log[-1:])

    @rule()
    @precondition(lambda self: self.log)
    def end(self) -> None:
        """Now the row has the text, too."""
        self.ended = True

    @rule()
    @precondition(lambda self: len(self.log) > READ)
    def lose_the_log(self) -> None:
        """Redis loses it, or it expires."""
        self.log = []

    @rule(hints=st.lists(st.tuples(st.integers(0, 7), st.integers(1, 3)), min_size=1, max_size=4))
    def hear(self, hints: list[tuple[int, int]]) -> None:
        """Hints come: any of the last ones, new or again, alone or together with those after it."""
        for back, length in hints:
            hint: list[Entry] = []
            for part in self.hints[-1 - back :][:length]:
                if not hint or part[0].sequence_number == hint[-1].sequence_number + 1:
                    hint += part
            if hint and not self.left:
                fresh = self.place.take(hint[0].sequence_number, [entry.event for entry in hint])
                self.catch_up() if fresh is None else self.see(fresh)

    @rule(data=st.data())
    def reconnect(self, data: st.DataObject) -> None:
        """The socket is lost: another one follows from the last number on screen, or from no number."""
        self.place = Cursor(data.draw(st.sampled_from([self.place.last, UNKNOWN])))
        self.left = False
        self.catch_up()

    @rule()
    def check(self) -> None:
        """Compare the place with the top of the log."""
        top = self.log[-1].sequence_number if self.log else None
        if not self.left and self.place.is_behind(top):
            self.catch_up()

    def catch_up(self) -> None:
        while True:
            entries = [entry for entry in self.log if entry.sequence_number >= self.place.last][:READ]
            fresh = self.place.take_log([] if self.place.is_lost else entries)
            if fresh is None:
                return self.see_whole()
            self.see(fresh)
            if len(entries) < READ:
                return None

    def see(self, events: Sequence[str]) -> None:
        for event in events:
            self.screen = shown(event, self.screen)

    def see_whole(self) -> None:
        """A snapshot: of the log, or of the row, which has no text before the end."""
        if self.log:
            self.screen = list(self.truths[-1])
            self.place.jump(self.log[-1].sequence_number)
        elif self.ended:
            self.screen, self.left = list(self.truths[-1]), True
        elif self.place.is_lost:
            self.screen = []
            self.place.jump(0)

    @invariant()
    def no_hole_and_nothing_twice(self) -> None:
        assert any(self.screen == truth[: len(self.screen)] for truth in self.truths)

    @invariant()
    def nobody_is_ahead_of_the_screen(self) -> None:
        if self.log and self.place.last == self.log[-1].sequence_number:
            assert self.screen == self.truths[-1]

    def teardown(self) -> None:
        """One last check, and everything is there."""
        if not self.log and not self.ended:
            self.begin_again(above=False)
        self.check()
        assert self.screen == self.truths[-1]


TestReaders = Readers.TestCase
TestReaders.settings = settings(max_examples=400, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("cursor", range(-1, 12))
@pytest.mark.parametrize("first", range(12))
def test_a_hint_at_any_place_gives_exactly_what_comes_after_the_cursor(cursor: int, first: int) -> None:
    events = [f"event {number}" for number in range(first, 12)]
    place = Cursor(cursor)
    fresh = place.take(first, events)
    if first > cursor + 1:
        assert (fresh, place.last) == (None, cursor)
    else:
        assert fresh == [f"event {number}" for number in range(cursor + 1, 12)]
        assert place.last == 11


@pytest.mark.parametrize(
    ("last", "numbers", "fresh"),
    [
        (4, [4, 5, 6], [5, 6]),
        (4, [4], []),
        (4, [5, 6], [5, 6]),  # begun again with a snapshot, just after our place
        (NOTHING, [0, 1], [0, 1]),
        (4, [], None),  # gone, or it ends before
        (4, [6, 7], None),
        (4, [4, 5, 7], None),  # Redis lost some of it
        (4, [4, EPOCH_SIZE], None),
        (NOTHING, [], None),
        (UNKNOWN, [0, 1], None),
    ],
)
def test_a_log_is_gone_on_with_only_if_nothing_is_missing(
    last: int, numbers: list[int], fresh: list[int] | None
) -> None:
    place = Cursor(last)
    taken = place.take_log([Entry(number, f"event {number}") for number in numbers])
    assert taken == (None if fresh is None else [f"event {number}" for number in fresh])
    assert place.last == (last if not fresh else fresh[-1])


@pytest.mark.parametrize("last", [NOTHING, UNKNOWN, 0, 3])
def test_only_the_top_of_the_log_is_up_to_date(last: int) -> None:
    assert [top for top in (None, 0, 2, 3, 4) if not Cursor(last).is_behind(top)] == [
        top for top in (0, 3) if top == last
    ]


def test_who_knows_no_place_takes_nothing_before_a_snapshot() -> None:
    place = Cursor(UNKNOWN)
    assert place.is_lost
    assert place.take(0, ["event 0"]) is None
    place.jump(4)
    assert not place.is_lost
    assert place.take(5, ["event 5"]) == ["event 5"]


def test_what_could_not_go_on_comes_again() -> None:
    place = Cursor(3)
    assert place.take(4, ["event 4", "event 5", "event 6"]) == ["event 4", "event 5", "event 6"]
    place.give_back(2)
    assert place.take(4, ["event 4", "event 5"]) == ["event 5"]


def test_a_snapshot_may_move_the_place_back() -> None:
    place = Cursor(99)
    place.jump(4)
    assert place.take(5, ["event 5"]) == ["event 5"]


@pytest.mark.parametrize(
    ("last", "waits"),
    [(0, False), (1, True), (2, False)],
)
@pytest.mark.parametrize("first", [0, EPOCH_SIZE])
def test_who_has_an_opening_and_no_more_waits_for_a_worker(first: int, last: int, waits: bool) -> None:
    assert Cursor(first + last).is_at_opening == waits


@pytest.mark.parametrize("last", [NOTHING, UNKNOWN])
def test_who_has_nothing_does_not_know_whether_it_waits(last: int) -> None:
    assert not Cursor(last).is_at_opening

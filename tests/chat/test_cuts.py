"""An answer that is cut and taken over: log, readers and row have one object, and nothing twice."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.ids import new_id
from chat.models import Response, outcome_columns
from chat.protocol.composer import Ending, opening
from chat.protocol.events import (
    TERMINAL,
    CallDone,
    Continued,
    Event,
    OutputItemAdded,
    OutputItemDone,
    Restarted,
    Snapshot,
    decode,
    encode,
)
from chat.protocol.objects import ResponseObject
from chat.protocol.output import KIND_OF
from chat.protocol.pieces import CallPart, ItemPart, Part, Piece
from chat.protocol.state import ResponseState
from chat.responses.representation import response_object
from chat.streaming import cursor as cursor_module
from chat.streaming.cursor import NOTHING, UNKNOWN, Action, Cursor, Step
from tests.chat.protocol.lives import ENDINGS, FOUND, SEARCH, as_sent, seen
from tests.harness.writer import Writer

CHUNK = 3
Mode = Literal["restart", "continue", "exact"]


@pytest.fixture(autouse=True, scope="module")
def _short_chunks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cursor_module, "CHUNK", CHUNK)
        yield


@dataclass(frozen=True)
class Cut:
    """The worker is lost with some parts unsent; another attempt takes over."""

    mode: Mode
    unsent: list[Part]
    log_is_lost: bool


texts = st.text("ab水", min_size=1, max_size=3)
parts = st.one_of(
    st.builds(Piece, st.sampled_from(["text", "text", "reasoning", "refusal"]), texts),
    st.builds(CallPart, st.integers(0, 2), st.just("f"), st.sampled_from(["", "call_1"]), texts),
    st.builds(ItemPart, st.integers(0, 1), st.sampled_from([SEARCH, FOUND]), st.booleans()),
)
batches = st.lists(parts, min_size=1, max_size=4)
cuts = st.builds(
    Cut,
    st.sampled_from(["restart", "continue", "exact"]),
    batches | st.just([]),
    st.integers(0, 4).map(lambda n: n == 4),
)
# of a reader after each write
MOVES = ("hear", "miss", "check", "reconnect", "begin again")
lives = st.lists(
    st.tuples(batches | cuts | st.just("restore"), st.lists(st.sampled_from(MOVES), min_size=3, max_size=3)),
    min_size=1,
    max_size=8,
)


@dataclass
class Expected:
    """The output as a model generated it: texts by kind, arguments of calls, whether searches are done."""

    texts: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    searches: list[bool] = field(default_factory=list)

    @classmethod
    def of(cls, response: ResponseObject) -> "Expected":
        """That of an object in progress."""
        found = cls()
        for item in response["output"]:
            if item["type"] == "function_call":
                found.calls.append(item["arguments"])
            if item["type"] == "web_search_call":
                found.searches.append(item["status"] == "completed")
            for part in item.get("content", ()):
                text = part["refusal"] if part["type"] == "refusal" else part["text"]
                found.add(Piece(KIND_OF[part["type"]], text))
        return found

    def add(self, part: Part) -> None:
        match part:
            case Piece():
                self.texts[part.kind] = self.texts.get(part.kind, "") + part.text
            case CallPart():
                self.calls += [""] * (part.index == len(self.calls))
                self.calls[part.index] += part.arguments
            case ItemPart():
                self.searches += [False] * (part.index == len(self.searches))
                self.searches[part.index] |= part.done

    def continues(self, mode: Mode) -> bool:
        """Whether the next attempt can keep the output."""
        if mode == "continue":
            return self.texts.keys() == {"text"} and not self.calls and not self.searches
        return mode == "exact" and self != Expected()


class Shared:
    """The log in Redis, where the number of an entry is the fence, and the row."""

    def __init__(self) -> None:
        self.row = Response(pk=new_id(), conversation_id=new_id(), model="m", input=[])
        self.entries: list[tuple[int, str]] = []
        self.final: ResponseObject | None = None

    def append(self, events: Sequence[Event]) -> bool:
        if self.entries and events[0].sequence_number != self.entries[-1][0] + 1:
            return False
        self.entries += [(event.sequence_number, encode(event)) for event in events]
        return True

    def state(self) -> ResponseState:
        return ResponseState.fold(decode(text) for _, text in self.entries)

    def settle(self, ending: Ending) -> None:
        """Copy the end to the row, through JSON as a database does."""
        assert self.final is not None
        for name, value in json.loads(json.dumps(outcome_columns(self.final))).items():
            setattr(self.row, name, value)
        self.row.ended_at = datetime.fromtimestamp(ending.at, UTC)


class Reader:
    """A client behind a cursor. `frames`: all that it was sent."""

    def __init__(self, shared: Shared, last: int) -> None:
        self.shared, self.cursor, self.frames = shared, Cursor(last), list[Event]()

    def move(self, how: str, written: list[tuple[int, str]]) -> None:
        match how:
            case "hear":
                texts = [text for _, text in written]
                self.perform(self.cursor.on_notification(written[0][0], texts, False))
            case "check":
                self.perform(self.cursor.on_check(self.shared.entries[-1][0], False))
            case "reconnect" | "begin again":
                last = self.cursor.last if how == "reconnect" else UNKNOWN
                self.cursor = Cursor(last, replaying=True)
                self.perform(self.cursor.catch_up(False))

    def perform(self, action: Action | None) -> None:
        while action is not None:
            if isinstance(action, list):
                self.frames += map(decode, action)
                action = self.cursor.then
            else:
                action = self._step(action)
        self.cursor.replaying = self.cursor.replaying and self.cursor.paused
        if self.cursor.paused and not self.cursor.must_wait(False):
            self.perform(self.cursor.catch_up(False))

    def _step(self, step: Step) -> Action | None:
        match step:
            case Step.READ:
                found = [entry for entry in self.shared.entries if entry[0] >= self.cursor.last][
                    : self.cursor.count
                ]
                return self.cursor.on_entries([number for number, _ in found], [text for _, text in found])
            case Step.SNAPSHOT:
                return self.cursor.on_state(self.shared.state() if self.shared.entries else None)
            case Step.ROW:
                row = response_object(self.shared.row)
                return self.cursor.on_row(row, live=self.shared.row.live)
            case Step.DONE:
                self.cursor.done = True
                return None

    @property
    def is_level(self) -> bool:
        return bool(self.frames) and self.cursor.last == self.shared.entries[-1][0]

    @property
    def final(self) -> ResponseObject:
        """The end, as it was sent: in the terminal event, or in a snapshot."""
        last = self.frames[-1]
        assert isinstance(last, (*TERMINAL, Snapshot))
        return last.response


class Life:
    """One response: its workers, of which the latest writes, and three readers."""

    def __init__(self) -> None:
        self.shared = Shared()
        self.shared.append(opening(response_object(self.shared.row)))
        self.readers = [Reader(self.shared, last) for last in (NOTHING, NOTHING, UNKNOWN)]
        self.logs: list[list[Event]] = [[]]  # all that was ever written; another one after each loss
        self.expected = Expected()
        self.writer = Writer(self.shared.state())
        self.write(self.writer.start(1), ["hear"] * 3)

    def write(self, events: list[Event], moves: list[str]) -> None:
        if events:  # none if the last parts were nothing new
            assert self.shared.append(events)
            self.logs[-1] += events
            self.move(moves, len(events))

    def move(self, moves: list[str], count: int) -> None:
        for reader, how in zip(self.readers, moves, strict=True):
            reader.move(how, self.shared.entries[-count:])
            if reader.is_level and self.writer.state.ended is None:
                assert seen(ResponseState.fold(reader.frames)) == seen(self.writer.state)
        state = self.shared.state()
        assert seen(state) == seen(self.writer.state)
        if state.ended is None:
            assert Expected.of(state.response("in_progress")) == self.expected

    def live(self, step: Any, moves: list[str]) -> None:
        if isinstance(step, Cut):
            self.cut(step, moves)
        elif step == "restore":  # Redis lost the log
            self.shared.entries = []
            self.write([self.writer.state.snapshot()], moves)
        else:
            self.add(step, moves)

    def add(self, batch: list[Part], moves: list[str]) -> None:
        events: list[Event] = []
        for part in batch:
            sent = as_sent(self.writer, part)
            self.expected.add(sent)
            events += self.writer.add_parts(sent)
        self.write(events, moves)

    def cut(self, cut: Cut, moves: list[str]) -> None:
        attempt, stale = self.writer.state.attempt + 1, self.writer
        continues = self.expected.continues(cut.mode)
        if cut.log_is_lost:
            self.logs.append([])
            self.shared.entries, continues = [], False
            self.shared.append(opening(response_object(self.shared.row), attempt - 1))
        self.writer = Writer(self.shared.state())
        started = self.writer.start(attempt, resume=cut.mode == "continue", exact=cut.mode == "exact")
        kinds = [type(event) for event in started if isinstance(event, Continued | Restarted)]
        assert kinds == [Continued if continues else Restarted]
        self.expected = self.expected if continues else Expected()
        self.write(started, moves)
        late = [event for part in cut.unsent for event in stale.add_parts(as_sent(stale, part))]
        assert not self.shared.append(late or stale.finish(ENDINGS[0])), "the lost worker still writes"

    def finish(self, ending: Ending, moves: list[str]) -> None:
        events = self.writer.finish(ending)
        self.shared.final = self.writer.state.ended
        self.write(events, moves)
        self.shared.settle(ending)
        for reader in self.readers:
            reader.cursor.row_ended = True
            if not reader.cursor.done:
                reader.move("check", [])


def lived(life: list[tuple[Any, list[str]]], ending: Ending) -> Life:
    found = Life()
    for step, moves in life:
        found.live(step, moves)
    found.finish(ending, ["hear", "miss", "check"])
    return found


@given(lives, st.sampled_from(ENDINGS))
def test_log_readers_and_row_have_one_object_without_doubles(
    life: list[tuple[Any, list[str]]], ending: Ending
) -> None:
    found = lived(life, ending)
    final = found.shared.final
    assert final is not None
    assert found.shared.state().ended == final
    assert response_object(found.shared.row) == final
    assert [reader.final for reader in found.readers] == [final] * 3
    assert replace(Expected.of(final), searches=[]) == replace(found.expected, searches=[])
    check_calls(found, final)
    for log in found.logs:
        for kind in (OutputItemAdded, OutputItemDone):
            ids = [event.item["id"] for event in log if isinstance(event, kind)]
            assert len(ids) == len(set(ids))


def check_calls(found: Life, final: ResponseObject) -> None:
    """A call is done once, of the attempt that ends, and only if a client may run it."""
    calls = [item for item in final["output"] if item["type"] == "function_call"]
    completed = [item["id"] for item in calls if item["status"] == "completed"]
    expected = completed if final["status"] in ("completed", "incomplete") else []
    assert [call for log in found.logs for call in calls_done(log)] == expected
    for reader in found.readers:
        assert calls_done(reader.frames) in (expected, [])  # none: it got the end as a snapshot


def calls_done(events: list[Event]) -> list[str]:
    """The ids of the calls that are done."""
    items = [event.item for event in events if isinstance(event, OutputItemDone)]
    done = [item["id"] for item in items if item["type"] == "function_call"]
    assert [event.item_id for event in events if isinstance(event, CallDone)] == done
    return done

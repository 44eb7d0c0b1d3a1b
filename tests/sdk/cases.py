"""Answers that the official SDKs read: logs by our composer, and the streams that readers get of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from chat.models import Response
from chat.protocol.composer import Ending
from chat.protocol.events import Event, Restarted, encode
from chat.protocol.frames import heartbeat, up_to_date
from chat.protocol.pieces import CallPart, ItemPart, Piece
from chat.protocol.plain import NOTHING, PlainStream
from chat.protocol.state import ResponseState
from chat.responses.representation import response_object
from tests.chat.protocol.lives import FOUND, SEARCH, USAGE, Life, written

DONE = Ending("completed", at=5.0, usage=USAGE)
CUT = Ending("incomplete", at=5.0, incomplete_reason="max_output_tokens")
STOPPED = Ending("cancelled", at=5.0)
FAILED = Ending("failed", at=5.0, error_code="upstream_cut")

ODD = 'Two ≈ 2 m.\u2028\x85\r\n{"type":"response.completed"}, "error": [DONE]'  # as no SSE parser may cut it


@dataclass(frozen=True, eq=False)
class Case:
    """An answer, and the type and content of each of its items at the end. `number`: of its ids."""

    name: str
    steps: Sequence[Any]
    output: Sequence[tuple[str, str]]
    ending: Ending = DONE
    number: int = 0

    @cached_property
    def log(self) -> list[Event]:
        """All events."""
        row = Response(id=UUID(int=self.number), conversation_id=UUID(int=9), model=self.name)
        life: Life = (self.steps, self.ending)
        return written(life, response_object(row))[1]

    @property
    def last(self) -> int:
        """The number of the terminal event."""
        return self.log[-1].sequence_number

    def folded(self, count: int) -> ResponseState:
        """The state after so many events."""
        return ResponseState.fold(self.log[:count])


@dataclass(frozen=True)
class Source:
    """Where a reader's first events come from: the log, or a snapshot of its first `snapshot` events."""

    case: Case
    snapshot: int | None = None

    @property
    def name(self) -> str:
        """As a model's name, by which the server knows it."""
        return self.case.name if self.snapshot is None else f"{self.case.name}@{self.snapshot}"

    @property
    def dropped_at(self) -> int | None:
        """The number of the event, if the stream has it, by which an attempt drops a call."""
        rest = self.case.log[self.snapshot or 0 :]
        drops = (event for event in rest if isinstance(event, Restarted) and event.dropped_calls)
        return next((event.sequence_number for event in drops), None)

    def frames(self, starting_after: int = NOTHING) -> list[str]:
        """A subscriber's frames, which a reader of another protocol gets in plain form."""
        if self.snapshot is None:
            events = [event for event in self.case.log if event.sequence_number > starting_after]
        else:
            events = [self.case.folded(self.snapshot).snapshot(), *self.case.log[self.snapshot :]]
        frames = [encode(event) for event in events]
        others = [up_to_date("r", 3), heartbeat("r", 3)]
        return [*frames[:3], *others, *frames[3:]]

    def plain(self, starting_after: int = NOTHING) -> list[list[str]]:
        """The plain form of each frame, up to the end."""
        stream, found = PlainStream(starting_after), []
        for frame in self.frames(starting_after):
            found.append(stream.translate(frame))
            if stream.ended:
                break
        return found


def text(words: str) -> Piece:
    return Piece("text", words)


def call(index: int, arguments: str, *, name: str = "") -> CallPart:
    return CallPart(index, name, f"call_{index}" if name else "", arguments)


TALKS = [
    Case("one attempt", [text("Two "), text("metres.")], [("message", "Two metres.")]),
    Case("odd text", [text(ODD), text(ODD)], [("message", ODD + ODD)]),
    Case("no output", [], []),
    Case("two attempts", [text("lost"), "restart", text("kept")], [("message", "kept")]),
    Case(
        "three attempts",
        [("lost", "hm"), "restart", "wait", ("lost, too", "hm"), "restart", ("kept", "so"), text(".")],
        [("reasoning", "so"), ("message", "kept.")],
    ),
    Case("continued", [text("Two "), "resume", "wait", text("metres.")], [("message", "Two metres.")]),
    Case(
        "reasoning",
        [("", "Hm"), ("", "…"), ("Two.", ""), ("", "Or?"), ("Two.", "")],
        [("reasoning", "Hm…"), ("message", "Two."), ("reasoning", "Or?"), ("message", "Two.")],
    ),
    Case("refusal", [Piece("refusal", "No"), Piece("refusal", ".")], [("message", "No.")]),
    Case("refusal after text", [text("Hm. "), Piece("refusal", "No.")], [("message", "Hm. No.")]),
    Case(
        "call",
        [text("Let me see."), call(0, '{"a"', name="f"), call(0, ":1}")],
        [("message", "Let me see."), ("function_call", '{"a":1}')],
    ),
    Case(
        "interleaved calls",
        [
            call(0, '{"a"', name="f"),
            call(1, "", name="f"),
            call(2, "{", name="f"),
            call(0, ":1}"),
            call(1, "{}"),
            call(2, "}"),
        ],
        [("function_call", '{"a":1}'), ("function_call", "{}"), ("function_call", "{}")],
    ),
    Case(
        "text after call",
        [call(0, "{}", name="f"), text("Done.")],
        [("function_call", "{}"), ("message", "Done.")],
    ),
    Case(
        "search",
        [text("Wait."), ItemPart(0, SEARCH, done=False), ItemPart(0, FOUND, done=True), text("Two.")],
        [("message", "Wait."), ("web_search_call", ""), ("message", "Two.")],
    ),
    Case(
        "late search",
        [ItemPart(0, SEARCH, done=False), text("Two."), ItemPart(0, FOUND, done=True)],
        [("web_search_call", ""), ("message", "Two.")],
    ),
    Case("dropped search", [ItemPart(0, SEARCH, done=False), "restart", text("kept")], [("message", "kept")]),
    Case("cut search", [ItemPart(0, SEARCH, done=False)], [("web_search_call", "")], CUT),
    Case("dropped call", [call(0, "{}", name="f"), "restart", text("kept")], [("message", "kept")]),
    Case("cut", [("Two met", "Hm")], [("reasoning", "Hm"), ("message", "Two met")], CUT),
    Case(
        "cut call",
        [call(0, "{}", name="f"), call(1, '{"a', name="f")],
        [("function_call", "{}"), ("function_call", '{"a')],
        CUT,
    ),
    Case("stopped", [("Two met", "Hm")], [("reasoning", "Hm"), ("message", "Two met")], STOPPED),
    Case("failed", [text("Two met")], [("message", "Two met")], FAILED),
    Case(
        "failed call",
        [text("Hm"), call(0, "{", name="f")],
        [("message", "Hm"), ("function_call", "{")],
        FAILED,
    ),
    Case("failed at once", [], [], FAILED),
]
CASES = [
    Case(case.name, case.steps, case.output, case.ending, number) for number, case in enumerate(TALKS, 1)
]


def sources(case: Case) -> list[Source]:
    """The log, a snapshot of the ended response, and some of the live one."""
    count = len(case.log)
    return [Source(case), Source(case, count), *(Source(case, at) for at in range(2, count, 3))]

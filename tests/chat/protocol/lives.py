"""Lives of a response: what a writer does, and the events that come of it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from chat.protocol.composer import Ending, opening
from chat.protocol.events import Created, Event, Queued
from chat.protocol.objects import ResponseObject
from chat.protocol.pieces import CallPart, ItemPart, Part, Piece
from chat.protocol.state import ResponseState, Wait
from tests.harness.writer import Writer

RESPONSE: ResponseObject = {
    "id": "r1",
    "object": "response",
    "status": "queued",
    "conversation": {"id": "c1"},
    "previous_response_id": None,
    "output": [],
    "error": None,
    "usage": None,
}
OPENING: list[Event] = [
    Created(sequence_number=0, response=RESPONSE),
    Queued(sequence_number=1, response=RESPONSE),
]

USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 3,
    "output_tokens_details": {"reasoning_tokens": 1},
    "total_tokens": 12,
}
ENDINGS = [
    Ending("completed", at=5.0, usage=USAGE),
    Ending("incomplete", at=5.0, incomplete_reason="max_output_tokens"),
    Ending("cancelled", at=5.0),
    Ending("failed", at=5.0, error_code="worker_lost"),
]
SEARCH: dict[str, Any] = {"id": "ws_1", "type": "web_search_call", "status": "in_progress"}
SEARCH["action"] = {"type": "search", "query": ""}
FOUND = SEARCH | {"status": "completed", "action": {"type": "search", "query": "深さ"}}
Life = tuple[Sequence[Any], Ending | None]
texts = st.text(max_size=4)
lives = st.tuples(
    st.lists(
        st.sampled_from(["restart", "resume", "wait"])
        | st.tuples(texts, texts)
        | st.builds(Piece, st.sampled_from(["text", "reasoning", "refusal"]), texts)
        | st.builds(CallPart, st.integers(0, 2), st.just("f"), st.sampled_from(["", "call_1"]), texts)
        | st.builds(ItemPart, st.integers(0, 2), st.sampled_from([SEARCH, FOUND]), st.booleans()),
        max_size=12,
    ),
    st.none() | st.sampled_from(ENDINGS),
)
WAIT = Wait("rate_limit_exceeded", seconds=4.0, until=104.5)


def seen(state: ResponseState) -> dict[str, Any]:
    """The state as a reader observes it: the cuts in the text do not count."""
    return {
        "next": state.next,
        "items": [(item.index, item.closed, item.as_object("in_progress")) for item in state.items],
        "first_index": state.first_index,
        "ended": state.ended,
        "waiting": state.waiting,
        "response": state.response("in_progress") | {"status": None},
    }


def as_sent(writer: Writer, part: Part) -> Part:
    """The part as a server sends it: the first of a call has its name, calls and items are in their order."""
    if isinstance(part, Piece):
        return part
    begun = len(writer.state.calls if isinstance(part, CallPart) else writer.state.others)
    if isinstance(part, ItemPart):
        return replace(part, index=min(part.index, begun))
    if part.index < begun:
        return CallPart(part.index, arguments=part.arguments)
    return CallPart(begun, "f", part.id, part.arguments)


def written(life: Life, response: ResponseObject = RESPONSE) -> tuple[Writer, list[Event]]:
    """A writer that lived the life, and all that it wrote; at each step a reader has the writer's state."""
    steps, ending = life
    events = opening(response)
    writer = Writer.after(events)
    events += writer.start(1)
    for step in steps:
        if step == "wait":
            events += writer.wait(WAIT)
        elif isinstance(step, str):
            events += writer.start(writer.state.attempt + 1, resume=step == "resume")
        elif isinstance(step, Part):
            events += writer.add_parts(as_sent(writer, step))
        else:
            events += writer.add(*step)
        assert seen(ResponseState.fold(events)) == seen(writer.state)
        assert ResponseState.fold(events).attempt == writer.state.attempt
    if ending is not None:
        events += writer.finish(ending)
    return writer, events

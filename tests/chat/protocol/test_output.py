"""The items of an output: what they are on the wire, and what a log restores of them."""

from typing import Any

import pytest

from chat.protocol.composer import Ending, final_object
from chat.protocol.events import OutputItemAdded, Snapshot, TextDelta
from chat.protocol.output import has_answer, item_id, output_text
from chat.protocol.pieces import CallPart, Piece
from chat.protocol.state import ResponseState
from tests.chat.protocol.lives import OPENING, RESPONSE
from tests.harness.writer import Writer

PARTS = (
    Piece("reasoning", "thought"),
    Piece("text", "text"),
    Piece("refusal", "no"),
    CallPart(0, "f", "c1", "{}"),
)


def writer() -> Writer:
    writer = Writer.after(OPENING)
    writer.start(1)
    writer.add_parts(*PARTS)
    return writer


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        ("in_progress", "in_progress"),
        ("completed", "completed"),
        ("cancelled", "incomplete"),
        ("failed", "incomplete"),
    ],
)
def test_an_item_is_incomplete_where_its_response_ended_before_its_time(status: str, shown: str) -> None:
    open_call = writer().state.response(status)["output"][-1]
    assert (open_call["type"], open_call["status"]) == ("function_call", shown)


def test_an_output_is_the_same_after_a_snapshot() -> None:
    live = writer().state
    for state in (live, ResponseState.fold([live.snapshot()])):
        output = state.response("completed")["output"]
        assert [item["type"] for item in output] == ["reasoning", "message", "function_call"]
        assert [part["type"] for part in output[1]["content"]] == ["output_text", "refusal"]
        assert output_text(state.response("completed")) == "textno"
        assert output_text(state.response("completed"), "reasoning") == "thought"
        assert (output[2]["call_id"], output[2]["name"], output[2]["arguments"]) == ("c1", "f", "{}")


def test_ids_name_the_response_and_the_place() -> None:
    hexadecimal = "0123456789ab7def8123456789abcdef"
    assert item_id("message", f"resp_{hexadecimal}", 3) == f"msg_{hexadecimal}_3"
    assert item_id("function_call", f"resp_{hexadecimal}", 0) == f"fc_{hexadecimal}_0"


@pytest.mark.parametrize(
    ("parts", "answers"),
    [
        ([], False),
        ([Piece("reasoning", "hm")], False),
        ([Piece("text", "a")], True),
        ([Piece("refusal", "no")], True),
        ([CallPart(0, "f")], True),
    ],
)
def test_an_answer_has_text_or_a_call(parts: list[Any], answers: bool) -> None:
    writer = Writer.after(OPENING)
    writer.add_parts(*parts)
    assert has_answer(final_object(writer.state, Ending("completed", at=1))) == answers


def test_a_snapshot_of_another_attempt_keeps_its_places() -> None:
    again = writer()
    again.start(2)
    (added, *_) = again.add("more")
    assert isinstance(added, OutputItemAdded)
    assert added.output_index == 3
    restored = Writer(ResponseState.fold([again.state.snapshot()]))
    (delta,) = restored.add("!")
    assert isinstance(delta, TextDelta)
    assert delta.output_index == 3
    assert Snapshot(sequence_number=1, response_id="r1", response=RESPONSE).first_index == 0

"""The items of an output: what they are on the wire, and the events around their text."""

import json

import pytest

from chat.protocol.events import JSON, Snapshot, encode
from chat.protocol.output import Item, Kind, output_items, output_text
from chat.protocol.state import ResponseState

RESPONSE: JSON = {"id": "r1", "object": "response", "status": "queued", "output": [], "error": None}


@pytest.mark.parametrize(("kind", "item_id"), [("reasoning", "rs_r1"), ("message", "msg_r1")])
def test_an_item_is_opened_filled_and_closed_under_its_id_and_the_next_numbers(
    kind: Kind, item_id: str
) -> None:
    item = Item.of("r1", kind, 1)
    item.pieces += ["te", "xt"]
    events = [*item.opened(4), item.delta("text", 6), *item.closed("completed", 7)]
    assert [event.sequence_number for event in events] == [4, 5, 6, 7, 8, 9]
    told = [json.loads(encode(event)) for event in events]
    assert {each["output_index"] for each in told} == {1}
    assert {each["item"]["id"] if "item" in each else each["item_id"] for each in told} == {item_id}


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
    assert Item.of("r1", "message", 0).wire(status)["status"] == shown


def test_a_copy_goes_its_own_way() -> None:
    item = Item.of("r1", "message", 0)
    item.copy().pieces.append("text")
    assert item.text == ""


def test_texts_that_are_known_whole_make_the_output_of_a_response() -> None:
    output = output_items("r1", "completed", text="text", reasoning="thought")
    assert output_text({"output": output}) == "text"
    assert output_text({"output": output}, "reasoning") == "thought"
    assert output_items("r1", "queued", text="", reasoning="") == []
    live = ResponseState.of(
        [Snapshot(sequence_number=3, response_id="r1", response=RESPONSE | {"output": output})]
    )
    assert live.output("completed") == output

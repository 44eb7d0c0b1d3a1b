"""The items of an output: what they are on the wire, and the events around their text."""

import pytest

from chat.protocol.events import Snapshot
from chat.protocol.output import Item, output_items, output_text
from chat.protocol.state import ResponseState
from tests.chat.protocol.lives import RESPONSE


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
    assert Item.new("r1", "message", 0).as_object(status)["status"] == shown


def test_texts_that_are_known_whole_make_the_output_of_a_response() -> None:
    output = output_items("r1", "completed", text="text", reasoning="thought")
    assert output_text(RESPONSE | {"output": output}) == "text"
    assert output_text(RESPONSE | {"output": output}, "reasoning") == "thought"
    assert output_items("r1", "queued", text="", reasoning="") == []
    live = ResponseState.fold(
        [Snapshot(sequence_number=3, response_id="r1", response=RESPONSE | {"output": output})]
    )
    assert live.response("completed")["output"] == output

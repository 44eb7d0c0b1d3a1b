"""The composer: which events a writer appends for what it does."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.composer import Ending, final_object, opening
from chat.protocol.errors import FAILURES
from chat.protocol.events import (
    Continued,
    Restarted,
    encode,
)
from chat.protocol.output import output_text
from chat.protocol.state import ResponseState
from tests.chat.protocol.lives import ENDINGS, OPENING, RESPONSE, written


def test_a_restart_drops_the_text_and_says_which_attempt_begins() -> None:
    writer, _ = written(([("lost", "lost too")], None))
    restarted, in_progress = writer.start(2)
    assert isinstance(restarted, Restarted)
    assert (restarted.attempt, restarted.reason, restarted.response_id) == (2, "worker_lost", "r1")
    assert in_progress.type == "response.in_progress"
    assert (writer.state.items, writer.state.attempt) == ([], 2)


def test_an_attempt_that_can_go_on_keeps_the_text() -> None:
    writer, events = written(([("kept", "")], None))
    (continued,) = writer.start(2, resume=True, reason="handed_over")
    assert isinstance(continued, Continued)
    assert (continued.attempt, continued.reason, continued.response_id) == (2, "handed_over", "r1")
    more = writer.add(" and gone on")
    assert [event.type for event in more] == ["response.output_text.delta"]
    read = ResponseState.fold([*events, continued, *more])
    assert (read.attempt, read.text()) == (2, "kept and gone on")


def test_an_attempt_after_reasoning_starts_again_as_the_model_would_reason_twice() -> None:
    writer, _ = written(([("kept", "thought")], None))
    restarted, _ = writer.start(2, resume=True)
    assert isinstance(restarted, Restarted)
    assert writer.state.items == []


def test_where_there_is_no_text_there_is_nothing_to_go_on_from() -> None:
    writer, _ = written(([("", "a thought alone")], None))
    assert [event.type for event in writer.start(2, resume=True)] == [
        "tailrace:restarted",
        "response.in_progress",
    ]
    assert writer.state.text("reasoning") == ""


def test_every_log_opens_alike() -> None:
    assert opening(RESPONSE) == OPENING


def test_reasoning_that_comes_late_is_an_item_after_the_message() -> None:
    writer, _ = written(([("text", "")], None))
    kinds = [event.type for event in writer.add(reasoning="a late thought")]
    assert kinds == [
        "response.output_item.added",
        "response.content_part.added",
        "response.reasoning_text.delta",
    ]
    response = writer.state.response("in_progress")
    assert [item["type"] for item in response["output"]] == ["message", "reasoning"]
    assert (output_text(response), output_text(response, "reasoning")) == ("text", "a late thought")


def test_more_text_is_one_delta() -> None:
    writer, _ = written(([("text", "thought")], None))
    assert [event.type for event in writer.add("more")] == ["response.output_text.delta"]
    assert writer.add() == []


@pytest.mark.parametrize("status", ["completed", "incomplete"])
def test_a_good_end_closes_each_item(status: Any) -> None:
    writer, _ = written(([("text", "thought")], None))
    closing = [event.type for event in writer.finish(Ending(status, at=5.0))]
    assert closing == [
        "response.reasoning_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        f"response.{status}",
    ]


@pytest.mark.parametrize(
    ("status", "kind"), [("cancelled", "response.incomplete"), ("failed", "response.failed")]
)
def test_a_bad_end_is_one_event_and_keeps_the_text(status: Any, kind: str) -> None:
    writer, _ = written(([("text", "")], None))
    assert [event.type for event in writer.finish(Ending(status, at=5.0))] == [kind]
    assert writer.state.ended is not None
    assert writer.state.ended["status"] == status
    assert output_text(writer.state.ended) == "text"
    assert [item["status"] for item in writer.state.ended["output"]] == ["incomplete"]


def test_the_final_object_says_how_it_ended() -> None:
    ended = {ending.status: final_object(ResponseState.fold(OPENING), ending) for ending in ENDINGS}
    assert ended["completed"]["completed_at"] == 5.0
    assert ended["completed"]["usage"] == {"output_tokens": 3}
    assert ended["incomplete"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert ended["failed"]["error"] == {"code": "worker_lost", "message": FAILURES["worker_lost"]}
    assert ended["cancelled"]["error"] is None
    assert "completed_at" not in ended["failed"]


@given(st.text(min_size=1), st.text(min_size=1))
def test_all_events_of_an_item_have_its_id_and_its_place(text: str, reasoning: str) -> None:
    writer, events = written(([(text, reasoning)], ENDINGS[0]))
    places: dict[str, set[int]] = {}
    for each in map(json.loads, map(encode, events)):
        if "output_index" in each:
            item_id = each["item"]["id"] if "item" in each else each["item_id"]
            places.setdefault(item_id, set()).add(each["output_index"])
    assert places == {"rs_r1": {0}, "msg_r1": {1}}
    assert [item.id for item in writer.state.items] == list(places)

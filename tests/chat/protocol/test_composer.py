"""The composer: which events a writer appends for what it does."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.composer import Ending, final_object, opening
from chat.protocol.errors import FAILURES
from chat.protocol.events import (
    JSON,
    Continued,
    OutputItemAdded,
    OutputItemDone,
    RefusalDone,
    Restarted,
    encode,
)
from chat.protocol.output import output_text
from chat.protocol.pieces import CallPart, ItemPart, Part, Piece
from chat.protocol.state import ResponseState
from tests.chat.protocol.lives import ENDINGS, FOUND, OPENING, RESPONSE, SEARCH, USAGE, written
from tests.harness.writer import Writer

TEXT_DONE = ["response.output_text.done", "response.content_part.done", "response.output_item.done"]


def test_a_restart_closes_the_text_and_drops_it_and_says_which_attempt_begins() -> None:
    writer, _ = written(([("lost", "lost too")], None))
    *closing, restarted = writer.start(2, omitted_turns=1)
    assert [event.type for event in closing] == TEXT_DONE
    assert isinstance(closing[-1], OutputItemDone)
    assert closing[-1].item["status"] == "incomplete"
    assert isinstance(restarted, Restarted)
    assert (restarted.attempt, restarted.reason, restarted.response_id) == (2, "worker_lost", "r1")
    assert (writer.state.items, writer.state.attempt) == ([], 2)


def test_a_restart_leaves_calls_open_as_a_client_would_run_a_closed_one() -> None:
    writer, _ = written(([CallPart(0, "f", arguments="{}")], None))
    assert [event.type for event in writer.start(2)] == ["tailrace:restarted"]


def test_items_of_another_attempt_have_other_ids_and_the_next_places() -> None:
    writer, _ = written(([("lost", "lost too")], None))
    writer.start(2)
    opened = [event for event in writer.add("again") if isinstance(event, OutputItemAdded)]
    assert [(event.item["id"], event.output_index) for event in opened] == [("msg_r1_2", 2)]
    assert [item["id"] for item in writer.state.response("completed")["output"]] == ["msg_r1_2"]


def test_a_response_is_in_progress_once_also_if_its_first_attempt_wrote_nothing() -> None:
    writer = Writer.after(OPENING)
    assert [event.type for event in writer.start(2)] == ["tailrace:restarted", "response.in_progress"]
    assert [event.type for event in writer.start(3)] == ["tailrace:restarted"]


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
    *_, restarted = writer.start(2, resume=True)
    assert isinstance(restarted, Restarted)
    assert writer.state.items == []


def test_where_there_is_no_text_there_is_nothing_to_go_on_from() -> None:
    writer, _ = written(([("", "a thought alone")], None))
    assert writer.start(2, resume=True)[-1].type == "tailrace:restarted"
    assert writer.state.text("reasoning") == ""


def test_every_log_opens_alike() -> None:
    assert opening(RESPONSE) == OPENING


def test_an_item_is_done_when_one_of_another_kind_begins() -> None:
    writer, _ = written(([("text", "")], None))
    kinds = [event.type for event in writer.add(reasoning="a late thought")]
    assert kinds == [
        *TEXT_DONE,
        "response.output_item.added",
        "response.content_part.added",
        "response.reasoning_text.delta",
    ]
    writer.add("more text")
    output = writer.state.response("in_progress")["output"]
    assert [(item["type"], item["status"]) for item in output] == [
        ("message", "completed"),
        ("reasoning", "completed"),
        ("message", "in_progress"),
    ]
    assert output_text(writer.state.response("in_progress")) == "textmore text"


def test_a_refusal_is_another_part_of_the_message() -> None:
    writer, _ = written(([("text", "")], None))
    kinds = [event.type for event in writer.add_parts(Piece("refusal", "No"), Piece("refusal", "."))]
    assert kinds == [*TEXT_DONE[:2], "response.content_part.added", "response.refusal.delta"]
    *_, done = writer.finish(ENDINGS[0])[:-3]
    assert isinstance(done, RefusalDone)
    assert (done.refusal, done.content_index) == ("No.", 1)


def test_an_item_of_the_servers_tool_closes_the_text_and_is_done_when_it_is_there() -> None:
    writer, _ = written(([("text", "")], None))
    begun = writer.add_parts(ItemPart(0, SEARCH, done=False))
    assert [event.type for event in begun] == [*TEXT_DONE, "response.output_item.added"]
    own = {"id": "ws_r1_1"}
    assert writer.state.response("in_progress")["output"][1] == SEARCH | own
    (done,) = writer.add_parts(ItemPart(0, FOUND, done=True))
    assert isinstance(done, OutputItemDone)
    assert (done.item, done.output_index) == (FOUND | own, 1)
    assert writer.add_parts(ItemPart(0, SEARCH, done=False), ItemPart(0, FOUND, done=True)) == []
    writer.add("more")
    assert writer.finish(ENDINGS[0])[-1].response["output"][1] == FOUND | own  # type: ignore[attr-defined]  # the last


@pytest.mark.parametrize(
    ("body", "prefix", "done"),
    [
        ({"type": "mcp_list_tools", "tools": [1]}, "mcpl", {}),
        ({"type": "web_search_call", "status": "failed"}, "ws", {"status": "failed"}),
        ({"type": "later_kind", "status": "in_progress"}, "item", {"status": "completed"}),
    ],
)
def test_an_item_is_in_progress_exactly_while_it_is_open(body: JSON, prefix: str, done: JSON) -> None:
    writer, events = written(([], None))
    added, closed = writer.add_parts(ItemPart(0, body, done=True))
    assert isinstance(added, OutputItemAdded)
    assert isinstance(closed, OutputItemDone)
    own = body | {"id": f"{prefix}_r1_0"}
    assert added.item == own | {"status": "in_progress"}
    assert closed.item == own | done
    before = ResponseState.fold([ResponseState.fold([*events, added]).snapshot()])
    after = ResponseState.fold([before.snapshot(), closed])
    assert [state.items[0].closed for state in (before, after)] == [None, "completed"]
    assert ResponseState.fold([after.snapshot()]).items[0].closed == "completed"


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.status)
def test_an_item_that_is_open_at_the_end_is_done_only_if_the_answer_is_complete(ending: Ending) -> None:
    writer, _ = written(([ItemPart(0, SEARCH, done=False)], None))
    *closing, terminal = writer.finish(ending)
    status = "completed" if ending.status == "completed" else "failed"
    assert [event.type for event in closing] == ["response.output_item.done"] * (status == "completed")
    assert terminal.response["output"][0]["status"] == status  # type: ignore[attr-defined]  # the last has it


def test_a_restart_closes_items_of_other_kinds_as_failed_as_the_sdks_wait_for_their_ends() -> None:
    writer, _ = written(([ItemPart(0, SEARCH, done=False)], None))
    done, restarted = writer.start(2)
    assert isinstance(done, OutputItemDone)
    assert done.item["status"] == "failed"
    assert isinstance(restarted, Restarted)


def test_more_text_is_one_delta() -> None:
    writer, _ = written(([("text", "thought")], None))
    assert [event.type for event in writer.add("more")] == ["response.output_text.delta"]
    assert writer.add() == []


def test_several_calls_grow_side_by_side_and_are_done_with_the_end() -> None:
    writer, _ = written(([("Let me see.", "")], None))
    begun = writer.add_parts(CallPart(0, "f", "c1"), CallPart(1, "g", "c2"), CallPart(0, arguments='{"a":'))
    more = writer.add_parts(
        CallPart(1, arguments="{}"), CallPart(0, arguments="1"), CallPart(0, arguments="}")
    )
    added, delta = "response.output_item.added", "response.function_call_arguments.delta"
    assert [event.type for event in begun] == [*TEXT_DONE, added, added, delta]
    assert [event.type for event in more] == [delta, delta]
    done = ["response.function_call_arguments.done", "response.output_item.done"]
    assert [event.type for event in writer.finish(ENDINGS[0])] == [*done, *done, "response.completed"]
    assert writer.state.ended is not None
    calls = [item for item in writer.state.ended["output"] if item["type"] == "function_call"]
    assert [(call["call_id"], call["arguments"]) for call in calls] == [("c1", '{"a":1}'), ("c2", "{}")]


def test_of_an_answer_that_was_cut_the_last_call_is_not_done() -> None:
    writer, _ = written(([CallPart(0, "f", "c1", "{}"), CallPart(1, "g", "c2", '{"a')], None))
    closing = writer.finish(ENDINGS[1])
    assert [event.type for event in closing] == [
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.incomplete",
    ]
    assert writer.state.ended is not None
    assert [item["status"] for item in writer.state.ended["output"]] == ["completed", "incomplete"]


@pytest.mark.parametrize(
    ("last", "status"),
    [
        ([CallPart(0, "f", "c1", "free"), Piece("text", "and th")], "completed"),
        ([CallPart(0, "f", "c1", '{"a": {}}')], "completed"),
        ([CallPart(0, "f", "c1", '{"a": {}')], "incomplete"),
        ([CallPart(0, "f", "c1", "1")], "incomplete"),
        ([CallPart(0, "f", "c1")], "incomplete"),
        ([CallPart(0, "f", "c1", '{"a":' * 100_000)], "incomplete"),
    ],
    ids=["before a text", "an object", "half an object", "a number", "no arguments", "too deep"],
)
def test_a_call_of_a_cut_answer_is_done_if_it_is_whole(last: list[Part], status: str) -> None:
    writer, _ = written((last, None))
    closing = [event.type for event in writer.finish(ENDINGS[1])]
    assert ("response.function_call_arguments.done" in closing) == (status == "completed")
    assert writer.state.ended is not None
    assert writer.state.ended["output"][0]["status"] == status


def test_a_call_without_an_id_or_with_one_that_is_taken_gets_its_own() -> None:
    writer = Writer.after(OPENING)
    writer.add_parts(CallPart(0, "f"), CallPart(1, "g", "same"), CallPart(2, "h", "same"))
    assert [call.call_id for call in writer.state.calls] == ["call_r1_0", "same", "call_r1_2"]


@pytest.mark.parametrize("status", ["completed", "incomplete"])
def test_a_good_end_closes_each_item(status: Any) -> None:
    writer, _ = written(([("text", "thought")], None))
    closing = [event.type for event in writer.finish(Ending(status, at=5.0))]
    assert closing == [*TEXT_DONE, f"response.{status}"]


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
    assert ended["completed"]["usage"] == USAGE
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
    assert places == {"rs_r1_0": {0}, "msg_r1_1": {1}}
    assert [item.id for item in writer.state.items] == list(places)

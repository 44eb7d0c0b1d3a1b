"""Replay: the events of a snapshot add up to it, in the order and with the numbers of a log."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.events import TERMINAL, Created, Event, InProgress, Queued, Restarted, Snapshot
from chat.protocol.events import OutputItemAdded as Added
from chat.protocol.events import OutputItemDone as Done
from chat.protocol.objects import OutputItem, ResponseObject
from chat.protocol.output import content_part
from chat.protocol.pieces import CallPart
from chat.protocol.replay import replay
from chat.protocol.state import EPOCH_SIZE, ResponseState
from tests.chat.protocol.lives import ENDINGS, RESPONSE, Life, lives, written

COMPLETED = ENDINGS[0]


def snapshot_of(events: list[Event]) -> Snapshot:
    return ResponseState.fold(events).snapshot()


@given(lives, st.integers(2, 40))
def test_a_replay_folds_to_the_response(life: Life, count: int) -> None:
    snapshot = snapshot_of(written(life)[1][:count])
    state = ResponseState.fold(replay(snapshot))
    assert state.snapshot().response["output"] == snapshot.response["output"]
    assert state.snapshot().response["status"] == snapshot.response["status"]
    assert state.ended in (None, snapshot.response)


@given(lives, st.integers(2, 40))
def test_numbers_rise_from_0_to_that_of_the_end(life: Life, count: int) -> None:
    snapshot = snapshot_of(written(life)[1][:count])
    events = replay(snapshot)
    numbers = [event.sequence_number for event in events]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 0
    assert numbers[-1] <= snapshot.sequence_number
    if isinstance(events[-1], TERMINAL):
        assert numbers[-1] == snapshot.sequence_number


@given(lives)
def test_items_begin_and_end_in_the_order_of_the_log(life: Life) -> None:
    """Of an answer of one attempt; the deltas of each text are one.

    The item of a tool may end later than others begin; replayed, it ends at its place.
    """
    _, events = written(life)
    if not any(isinstance(event, Restarted) for event in events):
        logged = [event for event in events if not event.type.startswith("tailrace:")]
        replayed = replay(snapshot_of(events))
        assert sorted(frame(replayed), key=str) == sorted(frame(logged), key=str)
        assert frame(without_ends_of_tools(replayed)) == frame(without_ends_of_tools(logged))


def without_ends_of_tools(events: list[Event]) -> list[Event]:
    return [e for e in events if not (isinstance(e, Done) and e.item["type"] == "web_search_call")]


def frame(events: list[Event]) -> list[tuple[str, Any]]:
    """The events but for deltas, with their items' ids."""
    return [
        (event.type, event.item["id"] if isinstance(event, Added | Done) else None)
        for event in events
        if not event.type.endswith(".delta")
    ]


@given(lives)
def test_each_text_is_one_delta(life: Life) -> None:
    _, events = written(life)
    replayed = replay(snapshot_of(events))
    deltas = [event for event in replayed if event.type.endswith(".delta")]
    places = [(event.item_id, getattr(event, "content_index", 0)) for event in deltas]  # type: ignore[attr-defined]  # of deltas
    assert len(places) == len(set(places))


@given(lives)
def test_a_cursor_in_the_text_gets_the_ends_and_no_text(life: Life) -> None:
    steps, ending = life
    _, events = written((steps, ending or COMPLETED))
    terminal = events[-1]
    later = [
        event for event in replay(snapshot_of(events)) if event.sequence_number >= terminal.sequence_number
    ]
    assert later == [terminal]


def test_the_ends_of_the_last_items_have_the_last_numbers() -> None:
    life: Life = (
        [("a long ", ""), ("text", ""), CallPart(0, "f", "c1", "{"), CallPart(0, arguments="}")],
        COMPLETED,
    )
    _, events = written(life)
    replayed = replay(snapshot_of(events))
    assert [event.sequence_number for event in replayed] == [*range(11), 13, 14, 15]
    assert [event.type for event in replayed[-3:]] == [
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]


def test_items_begin_at_place_0_whatever_earlier_attempts_wrote() -> None:
    _, events = written(([("lost", "lost"), "restart", ("kept", "hm")], None))
    added = [event for event in replay(snapshot_of(events)) if isinstance(event, Added)]
    assert [(event.output_index, event.item["id"]) for event in added] == [(0, "rs_r1_2"), (1, "msg_r1_3")]


@pytest.mark.parametrize("first", [0, 3 * EPOCH_SIZE])
def test_a_response_that_ended_in_the_queue_was_never_in_progress(first: int) -> None:
    failed: ResponseObject = RESPONSE | {"status": "failed"}
    events = replay(Snapshot(sequence_number=first + 2, response_id="r1", response=failed))
    assert [event.type for event in events] == ["response.created", "response.queued", "response.failed"]


@pytest.mark.parametrize(("status", "count"), [("queued", 2), ("in_progress", 3)])
def test_a_response_without_text_has_its_opening(status: str, count: int) -> None:
    live: ResponseObject = RESPONSE | {"status": status}
    events = replay(Snapshot(sequence_number=0, response_id="r1", response=live))
    opening = ["response.created", "response.queued", "response.in_progress"]
    assert [event.type for event in events] == opening[:count]


def test_the_opening_has_no_outcome() -> None:
    _, events = written(([("text", "")], COMPLETED))
    created, queued, in_progress, *_ = replay(snapshot_of(events))
    for event, status in ((created, "queued"), (queued, "queued"), (in_progress, "in_progress")):
        assert isinstance(event, Created | Queued | InProgress)
        response = event.response
        assert (response["status"], response["output"], response["usage"]) == (status, [], None)
        assert response.get("completed_at") is None


def test_an_unknown_number_of_the_end_is_the_next_one() -> None:
    final = ResponseState.fold(written(([("text", "")], COMPLETED))[1]).ended
    assert final is not None
    events = replay(Snapshot(sequence_number=0, response_id="r1", response=final))
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_neighbouring_messages_stay_two() -> None:
    output: list[OutputItem] = [
        {"id": item_id, "type": "message", "role": "assistant", "status": "completed", "content": [part]}
        for item_id in ("msg_a", "msg_b")
        for part in [content_part("output_text", item_id)]
    ]
    ended: ResponseObject = RESPONSE | {"status": "completed", "output": output}
    events = replay(Snapshot(sequence_number=40, response_id="r1", response=ended))
    assert [event.item for event in events if isinstance(event, Done)] == output
    assert ResponseState.fold(events).ended == ended


def test_a_dropped_text_has_its_end_also_before_the_next_attempt() -> None:
    writer, events = written(([("lost", "")], None))
    *closing, restarted = writer.start(2)
    assert isinstance(restarted, Restarted)
    (done,) = [event for event in replay(snapshot_of([*events, *closing])) if isinstance(event, Done)]
    assert done.item["status"] == "incomplete"

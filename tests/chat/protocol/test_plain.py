"""The plain form: OpenAI's events as they are, none of ours, and an error where they express no change."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.composer import Ending
from chat.protocol.events import TERMINAL, Event, OutputItemAdded, Restarted, Snapshot, decode, encode
from chat.protocol.frames import heartbeat, queue, up_to_date
from chat.protocol.pieces import CallPart
from chat.protocol.plain import PlainStream, event_type, stream_lost
from chat.protocol.replay import replay
from chat.protocol.state import ResponseState
from tests.chat.protocol.lives import ENDINGS, RESPONSE, Life, lives, written

CALL = CallPart(0, "f", "c1", "{}")
LOST = "stream_lost"


def plain(events: list[Event], starting_after: int = -1) -> list[str]:
    """The plain form of the whole stream; nothing follows its end."""
    stream = PlainStream(starting_after)
    found = [text for event in events for text in stream.translate(encode(event))]
    assert stream.ended == any(is_end(text) for text in found)
    return found


def is_end(text: str) -> bool:
    return event_type(text) in {"error", *(kind.type for kind in TERMINAL)}


def codes(texts: list[str]) -> list[str]:
    return [json.loads(text)["code"] for text in texts if event_type(text) == "error"]


@given(lives)
def test_openais_events_pass_as_they_are_and_ours_never(life: Life) -> None:
    _, events = written(life)
    texts = plain(events)
    whole = [encode(event) for event in events if event.type.startswith("response.")]
    if codes(texts):
        assert any(isinstance(event, Restarted) and event.dropped_calls for event in events)
        assert texts[:-1] == whole[: len(texts) - 1]
    else:
        assert texts == whole


@given(lives, st.integers(2, 40))
def test_a_stream_that_begins_with_a_snapshot_folds_to_the_response(life: Life, count: int) -> None:
    _, events = written(life)
    before, after = events[:count], events[count:]
    texts = plain([ResponseState.fold(before).snapshot(), *after])
    if not codes(texts):
        state, whole = ResponseState.fold(map(decode, texts)), ResponseState.fold(events)
        dropped = any(isinstance(event, Restarted) for event in after)
        assert dropped or state.response("in_progress")["output"] == whole.response("in_progress")["output"]
        assert state.ended == whole.ended
        places = [event.output_index for event in map(decode, texts) if isinstance(event, OutputItemAdded)]
        assert places == list(range(len(places)))
    numbers = [json.loads(text)["sequence_number"] for text in texts]
    assert numbers == sorted(set(numbers))


@given(lives, st.integers(-1, 40))
def test_a_resumed_stream_is_the_rest(life: Life, after: int) -> None:
    _, events = written(life)
    rest = [event for event in events if event.sequence_number > after]
    texts = plain(rest, after)
    assert codes(texts) or texts == [encode(event) for event in rest if event.type.startswith("response.")]


@pytest.mark.parametrize("frame", [up_to_date("r1", 3), heartbeat("r1", 3), queue("r1", 3)])
def test_frames_outside_the_log_are_dropped(frame: str) -> None:
    stream = PlainStream()
    assert stream.translate(frame) == []
    assert not stream.ended


def test_a_dropped_call_ends_the_stream_with_an_error() -> None:
    _, events = written(([CALL, "restart", ("kept", "")], ENDINGS[0]))
    texts = plain(events)
    assert codes(texts) == [LOST]
    assert texts[-1] == stream_lost(5)


def test_an_error_is_flat_as_openais_sdks_raise_for_a_nested_one() -> None:
    assert json.loads(stream_lost(7)) == {
        "type": "error",
        "code": LOST,
        "message": "Events of this stream are lost: retrieve the response by its id.",
        "param": None,
        "sequence_number": 7,
    }


def test_a_door_may_send_another_error() -> None:
    stream = PlainStream(lost=lambda number: f"lost at {number}")
    _, events = written(([("text", "")], None))
    for event in events:
        stream.translate(encode(event))
    snapshot = encode(ResponseState.fold(events).snapshot())
    assert stream.translate(snapshot) == [f"lost at {len(events)}"]
    assert stream.translate(snapshot) == []


def test_a_call_that_was_dropped_before_the_cursor_is_no_loss() -> None:
    _, events = written(([CALL, "restart", ("kept", "")], ENDINGS[0]))
    dropped = next(event for event in events if isinstance(event, Restarted))
    after = dropped.sequence_number
    assert codes(plain([event for event in events if event.sequence_number > after], after)) == []


def test_a_call_before_the_cursor_that_is_dropped_after_it_is_a_loss() -> None:
    _, events = written(([CALL, "restart", ("kept", "")], ENDINGS[0]))
    dropped = next(event for event in events if isinstance(event, Restarted))
    after = dropped.sequence_number - 1
    assert codes(plain([event for event in events if event.sequence_number > after], after)) == [LOST]


@pytest.mark.parametrize("ending", [None, ENDINGS[0]])
def test_a_snapshot_after_text_ends_the_stream_with_an_error(ending: Ending | None) -> None:
    _, events = written(([("text", "")], ending))
    snapshot = ResponseState.fold(events).snapshot()
    assert codes(plain([*events[:5], snapshot])) == [LOST]


@pytest.mark.parametrize("known", [1, 2, 3])
def test_a_snapshot_before_any_text_continues_the_stream(known: int) -> None:
    _, events = written(([("text", "")], ENDINGS[0]))
    before, after = events[:5], events[5:]
    texts = plain([*events[:known], ResponseState.fold(before).snapshot(), *after])
    assert [(event.type, event.sequence_number) for event in map(decode, texts)] == [
        (event.type, event.sequence_number) for event in events
    ]


def test_a_resumed_reader_of_an_ended_response_gets_its_end_alone() -> None:
    _, events = written(([("text", "")], ENDINGS[0]))
    snapshot = ResponseState.fold(events).snapshot()
    assert plain([snapshot], 4) == [encode(events[-1])]
    assert plain([snapshot], 1) == [encode(event) for event in replay(snapshot)[2:]]


def test_a_resumed_reader_that_has_the_end_gets_nothing() -> None:
    _, events = written(([("text", "")], ENDINGS[0]))
    stream = PlainStream(events[-1].sequence_number)
    assert stream.translate(encode(ResponseState.fold(events).snapshot())) == []
    assert stream.ended


def test_a_resumed_reader_of_a_live_snapshot_has_lost_text() -> None:
    _, events = written(([("text", "")], None))
    assert codes(plain([ResponseState.fold(events).snapshot()], 4)) == [LOST]


def test_frames_before_a_snapshot_are_not_the_beginning() -> None:
    _, events = written(([("text", "")], ENDINGS[0]))
    stream = PlainStream(4)
    assert stream.translate(heartbeat("r1", 4)) == []
    assert stream.translate(encode(ResponseState.fold(events).snapshot())) == [encode(events[-1])]


def test_a_log_that_is_begun_after_a_snapshot_of_the_row_repeats_nothing() -> None:
    _, events = written(([("text", "")], ENDINGS[0]))
    row = Snapshot(sequence_number=0, response_id="r1", response=RESPONSE)
    texts = plain([row, *events[1:]])
    assert [decode(text).sequence_number for text in texts] == list(range(len(events)))

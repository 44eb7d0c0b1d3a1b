"""The state: folding a writer's events gives the writer's state, from any point on."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.composer import Ending
from chat.protocol.errors import ProtocolError
from chat.protocol.events import (
    Event,
    RefusalDelta,
    Restarted,
    TextDelta,
    Waiting,
)
from chat.protocol.output import output_text
from chat.protocol.state import ResponseState
from tests.chat.protocol.lives import ENDINGS, OPENING, WAIT, Life, lives, seen, written
from tests.harness.writer import Writer


@given(lives)
def test_a_reader_of_the_log_has_the_writers_state(life: Life) -> None:
    writer, events = written(life)
    assert seen(ResponseState.fold(events)) == seen(writer.state)
    assert [event.sequence_number for event in events] == list(range(writer.state.next))


@given(lives, st.integers(1, 40))
def test_a_snapshot_at_any_point_stands_for_what_came_before(life: Life, at: int) -> None:
    _, events = written(life)
    events = events[: events[-1].sequence_number]  # while it lives: a log ends with its end
    before, after = events[:at], events[at:]
    snapshot = ResponseState.fold(before).snapshot()
    assert seen(ResponseState.fold([snapshot])) == seen(ResponseState.fold(before))
    assert ResponseState.fold([snapshot]).snapshot() == snapshot
    assert seen(ResponseState.fold([snapshot, *after])) == seen(ResponseState.fold(events))


@given(lives, st.integers(1, 40), st.integers(1, 40))
def test_a_snapshot_restores_all_after_any_part_of_a_log(life: Life, kept: int, at: int) -> None:
    _, events = written(life)
    events = events[: events[-1].sequence_number]
    state = ResponseState.fold(events[:at])
    restored = ResponseState.fold([*events[: min(kept, at)], state.snapshot()])
    assert restored.snapshot() == state.snapshot()


@given(lives)
def test_the_final_object_holds_all_text_since_the_last_restart(
    life: Life,
) -> None:
    _, events = written(life)
    restarts = [place for place, event in enumerate(events) if isinstance(event, Restarted)]
    kinds = TextDelta | RefusalDelta
    deltas = [event for event in events[max(restarts, default=0) :] if isinstance(event, kinds)]
    response = ResponseState.fold(events).response("completed")
    assert output_text(response) == "".join(event.delta for event in deltas)


def test_a_wait_is_kept_until_the_next_event() -> None:
    writer, events = written((["wait"], None))
    assert events[-1] == Waiting(
        sequence_number=3, response_id="r1", reason="rate_limit_exceeded", seconds=4.0, until=104.5
    )
    assert writer.state.waiting == ResponseState.fold(events).waiting == WAIT
    assert writer.add() == []
    assert writer.state.waiting == WAIT
    writer.add("text")
    assert writer.state.waiting is None


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.status)
def test_the_end_ends_a_wait(ending: Ending) -> None:
    writer, events = written((["wait"], ending))
    assert (writer.state.waiting, ResponseState.fold(events).waiting, writer.state.snapshot().waiting) == (
        None,
        None,
        None,
    )


def test_another_attempt_ends_a_wait() -> None:
    for steps in (["wait", "restart"], [("kept", ""), "wait", "resume"]):
        assert written((steps, None))[0].state.waiting is None


def test_a_snapshot_carries_a_wait() -> None:
    writer, _ = written((["wait"], None))
    assert writer.state.snapshot().waiting == {
        "reason": "rate_limit_exceeded",
        "seconds": 4.0,
        "until": 104.5,
    }
    assert ResponseState.fold([writer.state.snapshot()]).waiting == WAIT


def test_a_snapshot_carries_the_number_of_the_last_event_that_it_holds() -> None:
    writer, events = written(([("text", "")], None))
    assert writer.state.snapshot().sequence_number == events[-1].sequence_number
    assert writer.state.snapshot().response["status"] == "in_progress"
    assert ResponseState.fold(OPENING).snapshot().response["status"] == "queued"


def test_a_snapshot_of_an_answer_that_has_begun_but_has_no_text_says_so() -> None:
    _, events = written(([], None))
    assert ResponseState.fold(events).snapshot().response["status"] == "in_progress"


def test_a_snapshot_of_an_ended_response_is_its_end() -> None:
    writer, events = written(([("text", "")], ENDINGS[0]))
    assert writer.state.snapshot().response == writer.state.ended
    assert ResponseState.fold(events).snapshot() == writer.state.snapshot()


@pytest.mark.parametrize(
    "events",
    [
        [],
        OPENING[1:],
        [TextDelta(sequence_number=0, item_id="i", output_index=0, delta="x"), *OPENING],
    ],
)
def test_a_log_without_its_opening_is_refused(events: list[Event]) -> None:
    with pytest.raises(ProtocolError):
        ResponseState.fold(events)


def test_a_wait_of_another_version_is_refused_as_other_events_are() -> None:
    snapshot = replace(ResponseState.fold(OPENING).snapshot(), waiting={"reason": "busy", "of_the_future": 1})
    with pytest.raises(ProtocolError):
        ResponseState.fold([snapshot])


def test_turns_that_were_left_out_are_in_every_later_object() -> None:
    writer = Writer.after(OPENING)
    events = [*OPENING, *writer.start(1, omitted_turns=3), *writer.add("word")]
    state = ResponseState.fold(events)
    assert state.snapshot().response["tailrace"] == {"omitted_turns": 3}
    assert ResponseState.fold([state.snapshot()]).response("completed")["tailrace"] == {"omitted_turns": 3}
    events += writer.start(2)
    assert "tailrace" not in ResponseState.fold(events).response("completed")
    events += [*writer.start(3, omitted_turns=1), *writer.add("word")]
    assert ResponseState.fold([writer.state.snapshot()]).response("completed")["tailrace"] == {
        "omitted_turns": 1
    }
    events += writer.finish(ENDINGS[0])
    ended = ResponseState.fold(events).ended
    assert ended is not None
    assert ended["tailrace"] == {"omitted_turns": 1}

"""The draft: whoever folds what a writer wrote has the writer's state, from any point on."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.errors import FAILURES, ProtocolError
from chat.protocol.events import (
    JSON,
    Continued,
    Created,
    Event,
    Queued,
    Restarted,
    TextDelta,
    Waiting,
)
from chat.protocol.output import output_text
from chat.protocol.state import Ending, ResponseState, Wait, opening

RESPONSE: JSON = {
    "id": "r1",
    "object": "response",
    "status": "queued",
    "output": [],
    "error": None,
    "usage": None,
}
OPENING: list[Event] = [
    Created(sequence_number=0, response=RESPONSE),
    Queued(sequence_number=1, response=RESPONSE),
]

ENDINGS = [
    Ending("completed", at=5.0, usage={"output_tokens": 3}),
    Ending("incomplete", at=5.0, incomplete_reason="max_output_tokens"),
    Ending("cancelled", at=5.0),
    Ending("failed", at=5.0, error_code="worker_lost"),
]
WAIT = Wait("rate_limit_exceeded", seconds=4.0, until=104.5)
texts = st.text(max_size=4)
lives = st.tuples(
    st.lists(st.sampled_from(["restart", "resume", "wait"]) | st.tuples(texts, texts), max_size=12),
    st.none() | st.sampled_from(ENDINGS),
)


def state(draft: ResponseState) -> dict[str, Any]:
    """What a reader can tell of a draft: how its text was cut does not count."""
    return {
        "next": draft.next,
        "items": [(item.kind, item.id, item.index, item.text) for item in draft.items],
        "ended": draft.ended,
        "waiting": draft.waiting,
        "response": draft.response("in_progress") | {"status": None},
    }


def written(life: tuple[list[Any], Ending | None]) -> tuple[ResponseState, list[Event]]:
    """A writer that lived the life, and all that it wrote; at each step a reader has the writer's state."""
    steps, ending = life
    draft = ResponseState.of(OPENING)
    events = [*OPENING, *draft.begin(1)]
    for step in steps:
        if step == "wait":
            events.append(draft.wait(WAIT))
        elif isinstance(step, str):
            events += draft.begin(draft.attempt + 1, resume=step == "resume")
        else:
            events += draft.add(*step)
        assert state(ResponseState.of(events)) == state(draft)
        assert ResponseState.of(events).attempt == draft.attempt
    if ending is not None:
        events += draft.close(ending)
    return draft, events


@given(lives)
def test_a_reader_of_the_log_has_the_writers_state(life: tuple[list[Any], Ending | None]) -> None:
    draft, events = written(life)
    assert state(ResponseState.of(events)) == state(draft)
    assert [event.sequence_number for event in events] == list(range(draft.next))


@given(lives, st.integers(1, 40))
def test_a_snapshot_at_any_point_stands_for_what_came_before(
    life: tuple[list[Any], Ending | None], at: int
) -> None:
    _, events = written(life)
    events = events[: events[-1].sequence_number]  # while it lives: a log ends with its end
    before, after = events[:at], events[at:]
    snapshot = ResponseState.of(before).snapshot()
    assert state(ResponseState.of([snapshot])) == state(ResponseState.of(before))
    assert ResponseState.of([snapshot]).snapshot() == snapshot
    assert state(ResponseState.of([snapshot, *after])) == state(ResponseState.of(events))


@given(lives)
def test_a_log_that_begins_again_goes_on_with_the_next_number(life: tuple[list[Any], Ending | None]) -> None:
    draft, events = written((life[0], None))
    again = draft.again()
    assert again.sequence_number == len(events)
    more = draft.add("more")
    assert (
        state(ResponseState.of([again, *more]))
        == state(draft)
        == state(ResponseState.of([*events, again, *more]))
    )


@given(lives)
def test_the_final_object_holds_all_text_since_the_last_restart(
    life: tuple[list[Any], Ending | None],
) -> None:
    _, events = written(life)
    restarts = [place for place, event in enumerate(events) if isinstance(event, Restarted)]
    deltas = [event for event in events[max(restarts, default=0) :] if isinstance(event, TextDelta)]
    response = ResponseState.of(events).response("completed")
    assert output_text(response) == "".join(event.delta for event in deltas)


def test_a_restart_drops_the_text_and_says_which_attempt_begins() -> None:
    draft, _ = written(([("lost", "lost too")], None))
    restarted, in_progress = draft.begin(2)
    assert isinstance(restarted, Restarted)
    assert (restarted.attempt, restarted.reason, restarted.response_id) == (2, "worker_lost", "r1")
    assert in_progress.type == "response.in_progress"
    assert (draft.items, draft.attempt) == ([], 2)


def test_an_attempt_that_can_go_on_keeps_the_text() -> None:
    draft, events = written(([("kept", "")], None))
    (continued,) = draft.begin(2, resume=True, reason="handed_over")
    assert isinstance(continued, Continued)
    assert (continued.attempt, continued.reason, continued.response_id) == (2, "handed_over", "r1")
    more = draft.add(" and gone on")
    assert [event.type for event in more] == ["response.output_text.delta"]
    read = ResponseState.of([*events, continued, *more])
    assert (read.attempt, read.text()) == (2, "kept and gone on")


def test_an_attempt_after_reasoning_starts_again_as_the_model_would_reason_twice() -> None:
    draft, _ = written(([("kept", "thought")], None))
    restarted, _ = draft.begin(2, resume=True)
    assert isinstance(restarted, Restarted)
    assert draft.items == []


def test_where_there_is_no_text_there_is_nothing_to_go_on_from() -> None:
    draft, _ = written(([("", "a thought alone")], None))
    assert [event.type for event in draft.begin(2, resume=True)] == [
        "tailrace:restarted",
        "response.in_progress",
    ]
    assert draft.text("reasoning") == ""


def test_a_wait_is_told_and_lasts_until_the_next_event() -> None:
    draft, events = written((["wait"], None))
    assert events[-1] == Waiting(
        sequence_number=3, response_id="r1", reason="rate_limit_exceeded", seconds=4.0, until=104.5
    )
    assert draft.waiting == ResponseState.of(events).waiting == WAIT
    assert draft.add() == []
    assert draft.waiting == WAIT
    draft.add("text")
    assert draft.waiting is None


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.status)
def test_the_end_ends_a_wait(ending: Ending) -> None:
    draft, events = written((["wait"], ending))
    assert (draft.waiting, ResponseState.of(events).waiting, draft.snapshot().waiting) == (None, None, None)


def test_another_attempt_ends_a_wait() -> None:
    for steps in (["wait", "restart"], [("kept", ""), "wait", "resume"]):
        assert written((steps, None))[0].waiting is None


def test_a_snapshot_tells_of_a_wait() -> None:
    draft, _ = written((["wait"], None))
    assert draft.snapshot().waiting == {"reason": "rate_limit_exceeded", "seconds": 4.0, "until": 104.5}
    assert ResponseState.of([draft.again()]).waiting == WAIT


def test_every_log_opens_alike() -> None:
    assert opening(RESPONSE) == OPENING


def test_reasoning_that_comes_late_is_an_item_after_the_message() -> None:
    draft, _ = written(([("text", "")], None))
    kinds = [event.type for event in draft.add(reasoning="a late thought")]
    assert kinds == [
        "response.output_item.added",
        "response.content_part.added",
        "response.reasoning_text.delta",
    ]
    response = draft.response("in_progress")
    assert [item["type"] for item in response["output"]] == ["message", "reasoning"]
    assert (output_text(response), output_text(response, "reasoning")) == ("text", "a late thought")


def test_more_text_is_one_delta() -> None:
    draft, _ = written(([("text", "thought")], None))
    assert [event.type for event in draft.add("more")] == ["response.output_text.delta"]
    assert draft.add() == []


@pytest.mark.parametrize("status", ["completed", "incomplete"])
def test_a_good_end_closes_each_item(status: Any) -> None:
    draft, _ = written(([("text", "thought")], None))
    closing = [event.type for event in draft.close(Ending(status, at=5.0))]
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
    draft, _ = written(([("text", "")], None))
    assert [event.type for event in draft.close(Ending(status, at=5.0))] == [kind]
    assert draft.ended is not None
    assert draft.ended["status"] == status
    assert output_text(draft.ended) == "text"
    assert [item["status"] for item in draft.ended["output"]] == ["incomplete"]


def test_the_final_object_says_how_it_ended() -> None:
    ended = {ending.status: ResponseState.of(OPENING).response(ending.status, ending) for ending in ENDINGS}
    assert ended["completed"]["completed_at"] == 5.0
    assert ended["completed"]["usage"] == {"output_tokens": 3}
    assert ended["incomplete"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert ended["failed"]["error"] == {"code": "worker_lost", "message": FAILURES["worker_lost"]}
    assert ended["cancelled"]["error"] is None
    assert "completed_at" not in ended["failed"]


def test_a_snapshot_carries_the_number_of_the_last_event_that_it_holds() -> None:
    draft, events = written(([("text", "")], None))
    assert draft.snapshot().sequence_number == events[-1].sequence_number
    assert draft.snapshot().response["status"] == "in_progress"
    assert ResponseState.of(OPENING).snapshot().response["status"] == "queued"


def test_a_snapshot_of_an_answer_that_has_begun_but_has_no_text_says_so() -> None:
    _, events = written(([], None))
    assert ResponseState.of(events).snapshot().response["status"] == "in_progress"


def test_a_snapshot_of_an_ended_response_is_its_end() -> None:
    draft, events = written(([("text", "")], ENDINGS[0]))
    assert draft.snapshot().response == draft.ended
    assert ResponseState.of(events).snapshot() == draft.snapshot()


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
        ResponseState.of(events)

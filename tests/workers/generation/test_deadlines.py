"""The progress of an attempt: its deadlines, and how the response ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.composer import Ending
from chat.protocol.pieces import Piece
from chat.responses.model_catalog import Deadlines
from tests.workers.chunks import chunk_of
from workers.generation.deadlines import CLOSING_SECS, AttemptProgress
from workers.providers.base import Chunk, FinishReason

BEGUN = 1000.0
DEADLINES = Deadlines(first_token=60, between_tokens=30, total=600)
USAGE = {"input_tokens": 1, "output_tokens": 2}


def progress() -> AttemptProgress:
    return AttemptProgress(DEADLINES, BEGUN)


def after(*chunks: tuple[float, Chunk]) -> AttemptProgress:
    """The progress after these chunks, each so many seconds after the start."""
    state = progress()
    for secs, chunk in chunks:
        state.receive(chunk, BEGUN + secs)
    return state


def test_the_first_text_has_a_deadline_of_its_own() -> None:
    assert progress().deadline == BEGUN + 60


@pytest.mark.parametrize("chunk", [chunk_of(text="w0"), chunk_of(reasoning="r0")], ids=["text", "reasoning"])
def test_text_and_reasoning_move_the_deadline(chunk: Chunk) -> None:
    assert after((59, chunk)).deadline == BEGUN + 59 + 30
    assert after((59, chunk), (80, chunk)).deadline == BEGUN + 80 + 30


@pytest.mark.parametrize("chunk", [Chunk(), Chunk(usage=USAGE)], ids=["nothing", "usage"])
def test_a_chunk_without_text_moves_no_deadline(chunk: Chunk) -> None:
    assert after((59, chunk)).deadline == BEGUN + 60
    assert after((10, chunk_of(text="w0")), (39, chunk)).deadline == BEGUN + 40


def test_a_pause_that_the_server_asked_for_extends_the_deadline() -> None:
    state = progress()
    state.pause(20)
    assert state.deadline == BEGUN + 60 + 20
    state.pause(4.5)
    assert state.deadline == BEGUN + 60 + 24.5
    state.fail()
    assert state.error_code == "timeout_first_token"


def test_a_pause_extends_no_deadline_beyond_the_total() -> None:
    state = AttemptProgress(Deadlines(first_token=60, total=70), BEGUN)
    state.pause(20)
    assert state.deadline == BEGUN + 70
    state.pause(20)
    assert state.deadline == BEGUN + 70
    state.fail()
    assert state.error_code == "timeout_total"


def test_no_text_moves_the_deadline_beyond_the_total() -> None:
    assert after((590, chunk_of(text="w0"))).deadline == BEGUN + 600


@given(st.lists(st.tuples(st.floats(0, 700), st.booleans())))
def test_until_the_finish_the_deadline_is_never_beyond_the_total(times: list[tuple[float, bool]]) -> None:
    chunks = [(secs, chunk_of(text="w" if text else "")) for secs, text in sorted(times)]
    assert after(*chunks).deadline <= BEGUN + 600


@pytest.mark.parametrize(
    ("chunks", "code"),
    [
        ([], "timeout_first_token"),
        ([(10, Chunk())], "timeout_first_token"),
        ([(10, chunk_of(text="w0"))], "timeout_between_tokens"),
        ([(10, chunk_of(reasoning="r0"))], "timeout_between_tokens"),
        ([(580, chunk_of(text="w0"))], "timeout_total"),
    ],
)
def test_the_code_of_a_timeout_names_the_deadline(chunks: list[tuple[float, Chunk]], code: str) -> None:
    state = after(*chunks)
    state.fail()
    assert state.ending(5.0) == Ending("failed", 5.0, error_code=code)


def test_a_total_that_is_shorter_than_the_first_wait_is_the_one_that_counts() -> None:
    state = AttemptProgress(Deadlines(first_token=60, total=20), BEGUN)
    assert state.deadline == BEGUN + 20
    state.fail()
    assert state.error_code == "timeout_total"


def test_an_answer_that_breaks_off_fails_with_its_code_and_keeps_its_usage() -> None:
    state = after((1, Chunk([Piece("text", "w0")], usage=USAGE)))
    state.fail("upstream_cut")
    assert state.ending(5.0) == Ending("failed", 5.0, error_code="upstream_cut", usage=USAGE)


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
def test_an_answer_that_stops_without_text_is_empty(text: str) -> None:
    state = after((1, Chunk([Piece("reasoning", "hm"), Piece("text", text)], "stop", USAGE)))
    assert state.ending(5.0) == Ending("failed", 5.0, error_code="empty_answer", usage=USAGE)


def test_an_answer_that_continues_another_may_add_nothing() -> None:
    state = AttemptProgress(DEADLINES, BEGUN, has_answer=True)
    state.receive(Chunk(finish="stop"), BEGUN + 1)
    assert state.ending(5.0) == Ending("completed", 5.0)


@pytest.mark.parametrize("finish", ["length", "content_filter"])
def test_an_answer_that_is_cut_off_before_its_first_text_is_incomplete(finish: FinishReason) -> None:
    assert after((1, chunk_of(reasoning="hm", finish=finish))).ending(5.0).status == "incomplete"


@pytest.mark.parametrize("code", [None, "upstream_cut"], ids=["timeout", "cut"])
def test_after_the_finish_an_error_does_not_count(code: str | None) -> None:
    state = after((1, chunk_of(text="w0")), (2, Chunk(finish="stop")))
    state.fail(code)
    assert state.ending(5.0) == Ending("completed", 5.0)


def test_after_the_finish_the_server_may_close_in_its_own_time_but_not_for_ever() -> None:
    state = after((1, chunk_of(text="w0")), (2, Chunk(finish="stop")))
    assert state.deadline == BEGUN + 2 + CLOSING_SECS
    state.receive(Chunk(usage=USAGE), BEGUN + 4)
    assert state.deadline == BEGUN + 2 + CLOSING_SECS


def test_the_finish_may_come_with_the_last_text() -> None:
    assert after((2, chunk_of(text="w0", finish="stop"))).deadline == BEGUN + 2 + CLOSING_SECS


def test_a_second_finish_changes_nothing() -> None:
    state = after((1, Chunk(finish="length")), (2, Chunk(finish="stop")))
    assert state.deadline == BEGUN + 1 + CLOSING_SECS
    assert state.ending(5.0).incomplete_reason == "max_output_tokens"


@pytest.mark.parametrize(
    ("finish", "ending"),
    [
        ("stop", Ending("completed", 5.0, usage=USAGE)),
        ("length", Ending("incomplete", 5.0, incomplete_reason="max_output_tokens", usage=USAGE)),
        ("content_filter", Ending("incomplete", 5.0, incomplete_reason="content_filter", usage=USAGE)),
    ],
)
def test_the_finish_reason_says_how_the_response_ends(finish: FinishReason, ending: Ending) -> None:
    chunks = (1, chunk_of(text="w0", finish=finish)), (2, Chunk(usage=USAGE))
    assert after(*chunks).ending(5.0) == ending


def test_usage_is_kept() -> None:
    assert after((1, Chunk(finish="stop", usage=USAGE)), (2, Chunk())).usage == USAGE


def test_a_server_that_sends_a_finish_reason_with_every_text_may_pause_between_them() -> None:
    each = chunk_of(text="w ", finish="stop")
    assert after((1, each)).deadline == BEGUN + 1 + CLOSING_SECS
    state = after((1, each), (5, each))
    assert state.deadline == BEGUN + 5 + 30
    state.receive(chunk_of(text="w", finish="length"), BEGUN + 30)
    assert state.ending(BEGUN).status == "incomplete"
    state.fail("upstream_cut")
    assert state.ending(BEGUN) == Ending("failed", BEGUN, error_code="upstream_cut")

"""Chunks: any log adds up to the completion of its object; another attempt is seen only if it differs."""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from chat.api.completions.chunks import CANCELLED, LOST, MOST_PIECES, Chunks, Sent
from chat.api.completions.completion import completion
from chat.models import Response
from chat.protocol.composer import Ending
from chat.protocol.errors import FAILURES
from chat.protocol.events import Event, encode
from chat.protocol.frames import heartbeat, queue, up_to_date
from chat.protocol.pieces import CallPart, Piece
from chat.protocol.state import ResponseState
from chat.responses.representation import response_object
from tests.chat.protocol.lives import ENDINGS, USAGE, Life, lives, written
from tests.sdk.schemas import openai

ROW = response_object(Response(id=UUID(int=7), conversation_id=UUID(int=9), model="m"))
DONE, CUT, STOPPED, FAILED = ENDINGS
CHUNK = "CreateChatCompletionStreamResponse"
FRAMES = [up_to_date("r", 3), heartbeat("r", 3), queue("r", 1)]
ended = st.tuples(lives.map(lambda life: life[0]), st.sampled_from(ENDINGS))


def log(*steps: Any, ending: Ending | None = DONE) -> list[Event]:
    return written((steps, ending), ROW)[1]


def call(arguments: str, index: int = 0, *, name: str = "") -> CallPart:
    return CallPart(index, name, f"call_{index}" if name else "", arguments)


BEGUN = call("{", name="f")
OTHER = CallPart(0, "f", "call_9", "{}")


def read(events: Iterable[Event], **options: Any) -> tuple[Chunks, list[dict[str, Any]]]:
    chunks = Chunks(ROW, **options)
    texts = [text for event in events for text in chunks.translate(encode(event))]
    return chunks, [json.loads(text) for text in texts]


def added_up(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The completion that OpenAI's SDK makes of the chunks."""
    state = ChatCompletionStreamState()
    for each in found:
        state.handle_chunk(ChatCompletionChunk.model_validate(each))
    snapshot: dict[str, Any] = state.current_completion_snapshot.model_dump(mode="json")
    return snapshot


def essence(of: dict[str, Any]) -> dict[str, Any]:
    """A completion without fields that only one of the forms has."""
    (choice,) = of["choices"]
    message = choice["message"]
    calls = [
        (call["id"], call["function"]["name"], call["function"]["arguments"]) for call in calls_of(message)
    ]
    return {
        **{name: of[name] for name in ("id", "created", "model", "service_tier")},
        **{name: message.get(name) or "" for name in ("role", "content", "refusal", "reasoning_content")},
        "calls": calls,
        "finish_reason": choice["finish_reason"],
        "usage": {name: count for name, count in (of.get("usage") or {}).items() if isinstance(count, int)},
    }


def calls_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    return message.get("tool_calls") or []


def texts(found: Iterable[dict[str, Any]], name: str = "content") -> list[str]:
    deltas = [choice["delta"] for each in found for choice in each.get("choices", ())]
    return [delta[name] for delta in deltas if delta.get(name)]


@given(life=ended, count=st.none() | st.integers(2, 40))
def test_the_chunks_of_a_log_add_up_to_the_completion_of_its_object(life: Life, count: int | None) -> None:
    _, events = written(life, ROW)
    if count is not None:
        events = [ResponseState.fold(events[:count]).snapshot(), *events[count:]]
    chunks, found = read(events, include_usage=True)
    assert chunks.ended
    if "error" in found[-1]:
        assert not [choice for each in found[:-1] for choice in each["choices"] if choice["finish_reason"]]
        assert found[-1]["error"]["code"] in {LOST, CANCELLED, *FAILURES}
        found = found[:-1]
    else:
        assert chunks.final is not None
        assert essence(added_up(found)) == essence(completion(chunks.final))
    assert [fault for each in found for fault in openai().faults_of(CHUNK, each)] == []


@given(life=ended, count=st.integers(2, 40))
def test_a_snapshot_in_the_middle_sends_nothing_twice(life: Life, count: int) -> None:
    _, events = written(life, ROW)
    snapshot = ResponseState.fold(events[:count]).snapshot()
    _, expected = read(events)
    _, found = read([*events[:count], snapshot, *events[count:]])
    if "error" not in expected[-1]:
        assert essence(added_up(found)) == essence(added_up(expected))
    else:
        assert texts(found) == texts(expected)
        assert found[-1] == expected[-1]


def test_frames_and_events_without_a_form_are_no_chunks() -> None:
    chunks = Chunks(ROW)
    for text in [*FRAMES, *map(encode, log("wait", ending=None))]:
        assert chunks.translate(text) == []
    assert not chunks.begun


def test_an_answer_is_its_role_its_text_and_its_end() -> None:
    chunks, found = read(log(("Two ", ""), ("metres.", "")))
    assert [each["choices"][0]["delta"] for each in found] == [
        {"role": "assistant", "content": ""},
        {"content": "Two "},
        {"content": "metres."},
        {},
    ]
    assert [each["choices"][0]["finish_reason"] for each in found] == [None, None, None, "stop"]
    assert {each["id"] for each in found} == {f"chatcmpl-{UUID(int=7).hex}"}
    assert "usage" not in found[0]
    assert chunks.final is not None
    assert chunks.translate(encode(log()[-1])) == []


def test_the_tokens_follow_the_end_if_they_are_asked_for() -> None:
    _, found = read(log(("Two.", "Hm")), include_usage=True)
    assert all(each["usage"] is None for each in found[:-1])
    assert found[-1]["choices"] == []
    assert found[-1]["usage"]["prompt_tokens"] == USAGE["input_tokens"]
    assert found[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] == 1
    _, found = read(log(("Two.", ""), ending=CUT), include_usage=True)
    assert found[-1]["choices"][0]["finish_reason"] == "length"  # its server counted nothing


def test_calls_have_their_places_and_the_reason_of_the_end() -> None:
    _, found = read(log(call("{", name="f"), call("[", 1, name="f"), call("}"), call("]", 1)))
    calls = [part for each in found for part in calls_of(each["choices"][0]["delta"])]
    assert [(part["index"], part["function"]["arguments"]) for part in calls] == [
        (0, ""),
        (0, "{"),
        (1, ""),
        (1, "["),
        (0, "}"),
        (1, "]"),
    ]
    assert [part.get("id") for part in calls] == ["call_0", None, "call_1", None, None, None]
    assert found[-1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("again", ["Two metres.", "Two metres, or three."])
def test_an_attempt_that_repeats_the_text_is_not_seen(again: str) -> None:
    pieces = [(again[at : at + 2], "") for at in range(0, len(again), 2)]
    chunks, found = read(log(("Two ", "Hm"), ("metr", ""), "restart", ("", "Hm"), *pieces))
    assert chunks.final is not None
    assert essence(added_up(found))["content"] == again
    assert "".join(texts(found)) == again
    assert texts(found, "reasoning_content") == ["Hm"]


def test_an_attempt_is_compared_also_if_it_is_lost_while_it_repeats() -> None:
    _, found = read(log(("Two met", ""), "restart", ("Two", ""), "restart", ("Two metres.", "")))
    assert texts(found) == ["Two met", "res."]


MORE = ("more", "")


@pytest.mark.parametrize(
    "steps",
    [
        [("Two", ""), "restart", ("Three", ""), MORE],
        [("Two", ""), "restart", ("T", ""), ("en", ""), MORE],
        [("Two", ""), "restart", ("Tw", "")],
        [("Two", ""), "restart"],
        [("Two", "Hm"), "restart", ("Two", "Ah"), MORE],
        [("Two", "Hm"), "restart", ("Two", "")],
        [Piece("refusal", "No"), "restart", Piece("refusal", "Yes"), MORE],
        [call("{", name="f"), "restart", call("{}", name="f"), MORE],
    ],
)
def test_an_attempt_that_differs_ends_the_stream_with_an_error(steps: list[Any]) -> None:
    chunks, found = read(log(*steps))
    assert chunks.ended
    assert chunks.final is None
    error = {"message": FAILURES[LOST], "type": "server_error", "param": None, "code": LOST}
    assert found[-1] == {"error": error}
    assert "more" not in "".join(texts(found))


@pytest.mark.parametrize("other", [[], [("Two", "")], [OTHER], [BEGUN]])
def test_a_snapshot_without_the_sent_calls_ends_the_stream_with_an_error(other: list[Any]) -> None:
    events = log(BEGUN, call("}"), ending=None)
    snapshot = ResponseState.fold(log(*other, ending=None)).snapshot()
    chunks, found = read([*events, snapshot])
    assert chunks.ended
    assert found[-1]["error"]["code"] == LOST


def test_a_call_continues_after_a_snapshot_also_of_a_later_attempt() -> None:
    second = CallPart(1, "f", "call_1", "{}")
    events = log(("Two", ""), "restart", ("Two", ""), BEGUN, ending=None)
    ended = log(("Two", ""), "restart", ("Two", ""), BEGUN, call("}"), second)
    snapshot = ResponseState.fold(events).snapshot()
    _, found = read([snapshot, *ended[len(events) :]])
    assert [each[2] for each in essence(added_up(found))["calls"]] == ["{}", "{}"]
    events, ended = log(BEGUN, ending=None), log(BEGUN, "restart", BEGUN, call("}"), second)
    later = log(BEGUN, "restart", BEGUN, ending=None)
    snapshot = ResponseState.fold(later).snapshot()
    _, found = read([*events, snapshot, *ended[len(later) :]])
    assert [each[2] for each in essence(added_up(found))["calls"]] == ["{}", "{}"]


def test_another_attempt_before_any_text_is_not_seen() -> None:
    assert read(log("restart", ("Two", "")))[1] == read(log(("Two", "")))[1]


def test_a_continued_attempt_is_not_seen() -> None:
    assert read(log(("Two ", ""), "resume", ("metres", "")))[1] == read(log(("Two ", ""), ("metres", "")))[1]


@pytest.mark.parametrize(("ending", "code"), [(FAILED, FAILED.error_code), (STOPPED, CANCELLED)])
def test_a_failed_or_stopped_answer_ends_with_an_error(ending: Ending, code: str) -> None:
    for steps in ([], [("Two", "")]):
        chunks, found = read(log(*steps, ending=ending))
        assert found[-1]["error"]["code"] == code
        assert chunks.begun == bool(steps)
        assert chunks.final is not None
        assert chunks.final["status"] == ending.status


def test_a_long_text_that_was_sent_is_held_in_few_pieces() -> None:
    sent, words = Sent(), [f"word {number} " for number in range(5 * MOST_PIECES)]
    assert [sent.take(word) for word in words] == words
    assert len(sent.pieces) <= MOST_PIECES
    sent.place = 0
    assert [sent.take(word) for word in [*words, "more"]] == [""] * len(words) + ["more"]

"""The completion of each response object: valid for OpenAI's document, and for its SDK."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from openai.types.chat import ChatCompletion

from chat.api.completions.completion import completion, completion_id, response_uuid
from chat.ids import RESPONSE, wire_id
from chat.protocol.composer import Ending
from chat.protocol.pieces import CallPart, Piece
from tests.chat.api.completions.test_chunks import CUT, DONE, ROW, ended
from tests.chat.protocol.lives import USAGE, Life, written
from tests.sdk.schemas import openai

FILTERED = Ending("incomplete", at=5.0, incomplete_reason="content_filter")
CALL = CallPart(0, "f", "call_0", "{}")


def of(*steps: Any, ending: Ending = DONE) -> dict[str, Any]:
    return completion(written((steps, ending), ROW)[1][-1].response)  # type: ignore[attr-defined]  # terminal


@given(life=ended)
def test_each_completion_is_valid(life: Life) -> None:
    found = of(*life[0], ending=DONE)
    assert openai().faults_of("CreateChatCompletionResponse", found) == []
    ChatCompletion.model_validate(found, strict=True)


def test_a_completion_has_the_whole_answer() -> None:
    assert of(("", "Hm"), ("Two.", ""), CALL) == {
        "id": f"chatcmpl-{UUID(int=7).hex}",
        "object": "chat.completion",
        "created": ROW["created_at"],
        "model": "m",
        "service_tier": "default",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Two.",
                    "refusal": None,
                    "annotations": [],
                    "reasoning_content": "Hm",
                    "tool_calls": [
                        {"id": "call_0", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                    ],
                },
                "finish_reason": "tool_calls",
                "logprobs": None,
            }
        ],
        "usage": {
            "prompt_tokens": USAGE["input_tokens"],
            "completion_tokens": USAGE["output_tokens"],
            "total_tokens": USAGE["total_tokens"],
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 1,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
    }


@pytest.mark.parametrize(
    ("steps", "content", "refusal"),
    [
        ([], "", None),
        ([("", "Hm")], "", None),
        ([CALL], None, None),
        ([Piece("refusal", "No.")], None, "No."),
        ([("Hm. ", ""), Piece("refusal", "No.")], "Hm. ", "No."),
    ],
)
def test_the_content_without_text_is_null_beside_a_call_or_a_refusal(
    steps: list[Any], content: str | None, refusal: str | None
) -> None:
    message = of(*steps)["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (content, refusal)


@pytest.mark.parametrize(
    ("ending", "reason"), [(DONE, "tool_calls"), (CUT, "length"), (FILTERED, "content_filter")]
)
def test_the_reason_of_the_end(ending: Ending, reason: str) -> None:
    found = of(CALL, ending=ending)
    assert found["choices"][0]["finish_reason"] == reason
    assert ("usage" in found) == (ending is DONE)  # else its server counted nothing


def test_a_completion_has_the_id_of_its_response() -> None:
    found = completion_id(wire_id(RESPONSE, UUID(int=7)))
    assert response_uuid(found) == UUID(int=7)
    for other in ("chatcmpl-x", "chatcmpl-", "resp_" + UUID(int=7).hex, UUID(int=7).hex):
        assert response_uuid(other) is None

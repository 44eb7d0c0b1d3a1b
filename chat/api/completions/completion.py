"""A response object as a chat completion. Pure.

Format: https://platform.openai.com/docs/api-reference/chat/object
"""

from typing import NamedTuple
from uuid import UUID

from chat.ids import RESPONSE, bare
from chat.protocol.events import JSON
from chat.protocol.objects import ResponseObject
from chat.protocol.output import output_text

PREFIX = "chatcmpl-"


class Call(NamedTuple):
    """A function call."""

    id: str
    name: str
    arguments: str


class Answer(NamedTuple):
    """The message of a completion: three texts and the calls."""

    content: str
    reasoning: str
    refusal: str
    calls: list[Call]


def completion_id(response_id: str) -> str:
    """The completion's id, of the response's."""
    return PREFIX + bare(RESPONSE, response_id)


def response_uuid(text: str) -> UUID | None:
    """The id of a completion's response; None: it has another form."""
    digits = text.removeprefix(PREFIX)
    try:
        return UUID(hex=digits) if digits != text else None
    except ValueError:
        return None


def answer_of(response: ResponseObject) -> Answer:
    """The message so far, or in the end."""
    parts = [part for item in response["output"] if item["type"] == "message" for part in item["content"]]
    return Answer(
        content="".join(part["text"] for part in parts if part["type"] != "refusal"),
        reasoning=output_text(response, "reasoning"),
        refusal="".join(part["refusal"] for part in parts if part["type"] == "refusal"),
        calls=[
            Call(item["call_id"], item["name"], item["arguments"])
            for item in response["output"]
            if item["type"] == "function_call"
        ],
    )


def completion(response: ResponseObject) -> JSON:
    """The completion of a completed or incomplete response."""
    choice = {
        "index": 0,
        "message": _message(answer_of(response)),
        "finish_reason": finish_reason(response),
        "logprobs": None,
    }
    counted = {"usage": usage(response)} if response["usage"] else {}
    return head(response, "chat.completion") | {"choices": [choice], **counted}


def head(response: ResponseObject, kind: str) -> JSON:
    """The fields that a completion and its chunks have in common."""
    return {
        "id": completion_id(response["id"]),
        "object": kind,
        "created": response["created_at"],
        "model": response["model"],
        "service_tier": response["service_tier"],
    }


def finish_reason(response: ResponseObject) -> str:
    """Why a completed or incomplete response ended."""
    details = response.get("incomplete_details")
    if details is not None:
        return "content_filter" if details["reason"] == "content_filter" else "length"
    has_call = any(item["type"] == "function_call" for item in response["output"])
    return "tool_calls" if has_call else "stop"


def usage(response: ResponseObject) -> JSON | None:
    """The tokens under the names of chat completions; None: the model's server did not count them."""
    counts = response["usage"]
    if counts is None:
        return None
    cached = counts["input_tokens_details"]["cached_tokens"]
    reasoning = counts["output_tokens_details"]["reasoning_tokens"]
    return {
        "prompt_tokens": counts["input_tokens"],
        "completion_tokens": counts["output_tokens"],
        "total_tokens": counts["total_tokens"],
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _message(answer: Answer) -> JSON:
    """Without text the content is null beside calls or a refusal, else empty."""
    no_content = None if answer.calls or answer.refusal else ""
    message: JSON = {
        "role": "assistant",
        "content": answer.content or no_content,
        "refusal": answer.refusal or None,
        "annotations": [],
    }
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in answer.calls
        ]
    return message

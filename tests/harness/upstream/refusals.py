"""Error responses in the words of real servers; CANARY is in each text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from tests.harness.upstream.frames import CANARY, encoded, error_body
from tests.harness.upstream.script import Script

JSON_TYPE = {"Content-Type": "application/json"}
HTML_TYPE = {"Content-Type": "text/html"}
CONTEXT = 8192  # tokens
OTHER_LIMIT = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


@dataclass(frozen=True)
class Reply:
    """A whole response."""

    status: int
    content: bytes
    headers: Mapping[str, str]

    @classmethod
    def of(cls, status: int, body: Any) -> Self:
        """Return one with a JSON body."""
        return cls(status, encoded(body), JSON_TYPE)


def _unsupported(field: str) -> Reply:
    """OpenAI's; of a field that it never heard of, without `param` and code."""
    if field in OTHER_LIMIT:
        words = f"'{field}' is not supported with this model. Use '{OTHER_LIMIT[field]}' instead."
        body = error_body(400, "unsupported_parameter", f"Unsupported parameter: {words}", param=field)
    else:
        body = error_body(400, None, f"Unrecognized request argument supplied: {field}")
    return Reply.of(400, body)


def _forbidden(field: str, value: Any) -> Reply:
    """FastAPI's, of a Pydantic model that forbids other fields."""
    words = f"Extra inputs are not permitted {CANARY}"
    fault = {"type": "extra_forbidden", "loc": ["body", field], "msg": words, "input": value}
    return Reply.of(422, {"detail": [fault]})


def _no_room(limit: int, room: int) -> Reply:
    """vLLM's, of a prompt that leaves `room` tokens of the context."""
    prompt = CONTEXT - room
    words = (
        f"This model's maximum context length is {CONTEXT} tokens. However, you requested {prompt + limit} "
        f"tokens ({prompt} in the messages, {limit} in the completion). {CANARY}"
    )
    body = {"object": "error", "message": words, "type": "BadRequestError", "param": None, "code": 400}
    return Reply.of(400, body)


_QUOTA = "You exceeded your current quota, please check your plan and billing details."
_LLAMA_CPP = "the request exceeds the available context size, try increasing it"
_OPENAI = (
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9216 tokens. "
    "Please reduce the length of the messages."
)

# by the part of the script
ERRORS: Mapping[str, Reply] = {
    "no-credit-402": Reply.of(402, error_body(402, "402", "Insufficient credits. Add more.")),
    "no-credit-429": Reply.of(429, error_body(429, "insufficient_quota", _QUOTA, "insufficient_quota")),
    "too-long-openai": Reply.of(400, error_body(400, "context_length_exceeded", _OPENAI, param="messages")),
    "too-long-llamacpp": Reply.of(
        400,
        {
            "error": {
                "code": 400,
                "message": f"{_LLAMA_CPP} {CANARY}",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 9216,
                "n_ctx": 8192,
            }
        },
    ),
}

NGINX_NOT_FOUND = Reply(404, f"<html><title>404 Not Found {CANARY}</title></html>".encode(), HTML_TYPE)
FASTAPI_NOT_FOUND = Reply.of(404, {"detail": "Not Found"})
AZURE_NOT_FOUND = Reply.of(404, {"error": {"code": "404", "message": f"Resource not found {CANARY}"}})
AZURE_DENIED = Reply.of(
    401, {"error": {"code": "401", "message": f"Access denied due to invalid subscription key. {CANARY}"}}
)
OTHER_KEY = Reply.of(401, error_body(401, "invalid_api_key", "The scripted upstream has another key."))
NO_CHAT_MODEL = Reply.of(400, error_body(400, None, "This is not a chat model."))
NO_RUN = Reply.of(404, error_body(404, None, "Response with id 'resp_…' not found."))
TOO_OLD = Reply.of(
    400,
    error_body(
        400,
        None,
        "This response can no longer be streamed because it is more than 5 minutes old.",
        param="stream",
    ),
)
PAGE = Reply(200, b"<!doctype html><title>Bad gateway</title>", HTML_TYPE)


def refusal_of(script: Script, body: Mapping[str, Any]) -> Reply | None:
    """Return the script's error response to a request, if it has one."""
    if script.refuse in body:
        return _unsupported(script.refuse)
    if script.forbid in body:
        return _forbidden(script.forbid, body[script.forbid])
    limit = body.get("max_tokens", 0)
    if script.room is not None and limit > script.room:
        return _no_room(limit, script.room)
    if script.status != 200:
        content = encoded(error_body(script.status, "refused", "The scripted upstream refuses."))
        return Reply(script.status, content, JSON_TYPE | script.retry_headers())
    return ERRORS.get(script.refusal)

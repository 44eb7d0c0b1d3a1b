"""The judge of the SDKs' replies: it passes what OpenAI's document has, and names each fault."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from chat.models import Response
from chat.responses.representation import response_object
from tests.sdk.cases import CASES, Source
from tests.sdk.judging import Judge, faults_of
from tests.sdk.recording import Reply

JSON_TYPE, EVENTS_TYPE = "application/json", "text/event-stream"
OBJECT = dict(response_object(Response(id=UUID(int=7), conversation_id=UUID(int=9), model="m")))
ERROR = {"error": {"message": "No.", "type": "invalid_request_error", "param": None, "code": None}}
CHUNK: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None, "logprobs": None}],
}
EVENTS = [json.loads(text) for texts in Source(CASES[0]).plain() for text in texts]


def reply(body: Any, status: int = 200, path: str = "/responses/resp_1", method: str = "GET") -> Reply:
    """A whole reply with JSON."""
    return Reply(method, path, status, JSON_TYPE, "req_1", json.dumps(body).encode(), whole=True)


def stream(events: list[Any], path: str = "/responses", *, end: str = "data: [DONE]\n\n") -> Reply:
    """A whole reply with events."""
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + end
    return Reply("POST", path, 200, EVENTS_TYPE, "req_1", body.encode(), whole=True)


GOOD = {
    "object": reply(OBJECT),
    "error": reply(ERROR, 404),
    "unknown address": reply(ERROR, 404, "/nothing"),
    "models": reply({"object": "list", "data": []}, path="/models"),
    "events": stream(EVENTS),
    "chunks": stream([CHUNK], "/chat/completions"),
    "error in chunks": stream([CHUNK, ERROR], "/chat/completions"),
    "events that were left": replace(stream(EVENTS, end=""), whole=False),
}
BAD = {
    "object": reply({**OBJECT, "status": "over"}),
    "error": reply({"error": "No."}, 404),
    "error without a code": reply({"error": {"message": "No.", "type": "a", "param": None}}, 404),
    "models": reply({"object": "list"}, path="/models"),
    "event": stream([EVENTS[0], {**EVENTS[1], "sequence_number": None}]),
    "unknown event": stream([EVENTS[0], {"type": "tailrace:heartbeat"}]),
    "chunk": stream([{**CHUNK, "choices": None}], "/chat/completions"),
    "no end mark": stream(EVENTS, end=""),
    "no request id": replace(GOOD["object"], request_id=""),
    "an event that was left": replace(
        stream([{**EVENTS[0], "response": {**OBJECT, "id": 1}}], end=""), whole=False
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_right_reply_has_no_fault(name: str) -> None:
    assert faults_of(GOOD[name]) == []


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_reply_is_named(name: str) -> None:
    with pytest.raises(AssertionError, match=BAD[name].path):
        Judge([GOOD["object"], BAD[name]]).require()

"""The protocols of readers. Pure.

Plain, of the small apps: `{"model", "input"}` in; `{"delta"}` out repeatedly, `{"done": true}` last.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

MODEL = "scripted"  # the only one: the prompt is its script
Received = tuple[str, bool]  # a frame's text, and whether the answer has ended


class RefusedError(Exception):
    """The server refused, or failed."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to ask and to parse frames, and the path."""

    ask: Callable[[str], str]  # the frame with this prompt
    parse: Callable[[str], Received]
    path: str
    needs_session: bool = False  # whether a page must be fetched first, for its cookie
    over_http: bool = False  # a request for each answer, whose events are the frames; else a socket


def _ask_tailrace(prompt: str) -> str:
    return json.dumps({"type": "response.create", "model": MODEL, "input": prompt})


def _ask_by_http(prompt: str) -> str:
    return json.dumps({"model": MODEL, "input": prompt, "stream": True})


def _parse_tailrace(frame: str) -> Received:
    event: dict[str, Any] = json.loads(frame)
    kind = event["type"]
    if kind == "response.output_text.delta":
        return event["delta"], False
    if kind in ("response.failed", "response.incomplete", "error"):
        raise RefusedError(frame)
    return "", kind == "response.completed"


def _ask_plain(prompt: str) -> str:
    return json.dumps({"model": MODEL, "input": prompt})


def _parse_plain(frame: str) -> Received:
    event: dict[str, Any] = json.loads(frame)
    return event.get("delta", ""), "done" in event


DIALECTS = {
    "tailrace": Dialect(_ask_tailrace, _parse_tailrace, "/ws/responses/", needs_session=True),
    "plain": Dialect(_ask_plain, _parse_plain, "/ws/"),
    "api-socket": Dialect(_ask_tailrace, _parse_tailrace, "/v1/responses"),
    "api-events": Dialect(_ask_by_http, _parse_tailrace, "/v1/responses", over_http=True),
}

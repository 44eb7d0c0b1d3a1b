"""What is said on the sockets: Tailrace's protocol, and the plain one of the small apps. Pure.

The plain one: `{"model", "input"}` goes in; `{"delta"}` comes out, again and again; `{"done": true}` last.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Heard = tuple[str, bool]  # the text in a frame, and whether the answer is over


class RefusedError(Exception):
    """The server would not, or could not."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to ask, how to understand, and where."""

    ask: Callable[[str], str]  # the frame that asks this model
    hear: Callable[[str], Heard]
    path: str
    needs_session: bool  # whether a page has to be fetched first, for its cookie


def _ask_tailrace(model: str) -> str:
    return json.dumps({"type": "response.create", "model": model, "input": "Count."})


def _hear_tailrace(frame: str) -> Heard:
    event: dict[str, Any] = json.loads(frame)
    kind = event["type"]
    if kind == "response.output_text.delta":
        return event["delta"], False
    if kind in ("response.failed", "response.incomplete", "error"):
        raise RefusedError(frame)
    return "", kind == "response.completed"


def _ask_plainly(model: str) -> str:
    return json.dumps({"model": model, "input": "Count."})


def _hear_plainly(frame: str) -> Heard:
    event: dict[str, Any] = json.loads(frame)
    return event.get("delta", ""), "done" in event


DIALECTS = {
    "tailrace": Dialect(_ask_tailrace, _hear_tailrace, "/ws/responses/", needs_session=True),
    "plain": Dialect(_ask_plainly, _hear_plainly, "/ws/", needs_session=False),
}

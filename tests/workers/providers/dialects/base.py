"""A dialect: one answer as a server sends it, and how it must be read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workers.providers.base import FinishReason

EVENTS = "text/event-stream"
DOCUMENT = "application/json"


@dataclass(frozen=True)
class Dialect:
    """`code`: the error after the text; None: the answer ends with `finish`.

    `seen`: a server that answers like this, among other forms.
    """

    seen: str
    body: bytes
    text: str = ""
    reasoning: str = ""
    finish: FinishReason | None = "stop"
    code: str | None = None
    output_tokens: int | None = None
    refusal: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()  # of each its name, its id and its arguments
    content_type: str | None = EVENTS
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200

    @property
    def all_headers(self) -> dict[str, str]:
        """The headers with the content type."""
        typed = {} if self.content_type is None else {"Content-Type": self.content_type}
        return typed | dict(self.headers)


def events(*payloads: Any, prefix: str = "data: ", end: str = "\n\n", done: str | None = "[DONE]") -> bytes:
    """Return a stream; a payload is JSON, or text as it is."""
    lines = [prefix + (one if isinstance(one, str) else compact(one)) + end for one in payloads]
    return ("".join(lines) + (f"{prefix}{done}{end}" if done else "")).encode()


def compact(value: Any) -> str:
    """Return JSON without spaces."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def delta(content: Any = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a chunk with one choice; `more` stands in its delta."""
    words = more if content is None else {"content": content, **more}
    choice = {"index": 0, "delta": words, "finish_reason": finish}
    return {"id": "c1", "choices": [choice]}


def usage(output_tokens: int, **more: Any) -> dict[str, Any]:
    """Return a chunk with usage and without a choice."""
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "choices": [],
        "usage": counts(output_tokens),
    } | more


def counts(output_tokens: int) -> dict[str, int]:
    """Return the usage as OpenAI writes it."""
    return {"prompt_tokens": 3, "completion_tokens": output_tokens, "total_tokens": 3 + output_tokens}

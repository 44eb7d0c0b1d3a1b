"""The events and the object of one response, as OpenAI's Responses API has them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.harness.upstream.record import Record
from tests.harness.upstream.script import Script, numbered

JSON = dict[str, Any]

ARGUMENTS = ('{"place"', ': "Thun', '"}')  # of each call, in pieces


@dataclass
class Events:
    """Builds events without their numbers; a word is a token.

    The generator yields "word" before each event with text, so that the caller can wait or fail there.
    """

    script: Script
    record: Record
    label: str
    is_background: bool
    status: str = "in_progress"
    output: list[JSON] = field(default_factory=list)
    tokens: int = 0

    def response(self) -> JSON:
        """Return the response object."""
        body = self.record.body
        usage = None
        if self.status in ("completed", "incomplete") and self.script.usage:
            usage = {
                "input_tokens": 3,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": self.tokens,
                "output_tokens_details": {"reasoning_tokens": self.script.reasoning},
                "total_tokens": 3 + self.tokens,
            }
        cut_off = {"reason": "max_output_tokens"} if self.status == "incomplete" else None
        failure = {"code": "server_error", "message": "The scripted upstream fails here."}
        return {
            "id": self.record.id,
            "object": "response",
            "created_at": int(self.record.started_at),
            "completed_at": int(time.time()) if self.status == "completed" else None,
            "status": self.status,
            "background": self.is_background,
            "error": failure if self.status == "failed" else None,
            "incomplete_details": cut_off,
            "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"),
            "metadata": {},
            "model": body.get("model"),
            "output": self.output,
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "reasoning": {"effort": None, "summary": None},
            "store": body.get("store", True),
            "temperature": 1.0,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": body.get("tools", []),
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": usage,
        }

    def of_response(self, status: str) -> JSON:
        """Return an event with the whole object."""
        if status != "created":
            self.status = status
        return {"type": f"response.{status}", "response": self.response()}

    def all(self) -> Iterator[JSON | str]:
        """Yield the events of the items, "word" before each with text."""
        if self.script.reasoning:
            yield from self._reasoning()
        if self.script.searches:
            yield from self._search()
        if pieces := self.script.pieces(self.label):
            yield from self._message(pieces)
        for number in range(self.script.calls):
            yield from self._call(number)

    def _reasoning(self) -> Iterator[JSON | str]:
        item = self._item("rs", type="reasoning", summary=[])
        at = self._place(item) | {"summary_index": 0}
        yield self._added(item)
        yield {"type": "response.reasoning_summary_part.added", **at, "part": _summary("")}
        for word in numbered("r", self.script.reasoning):
            yield "word"
            yield {"type": "response.reasoning_summary_text.delta", **at, "delta": word}
        text = "".join(numbered("r", self.script.reasoning))
        yield {"type": "response.reasoning_summary_text.done", **at, "text": text}
        yield {"type": "response.reasoning_summary_part.done", **at, "part": _summary(text)}
        yield self._done(item, summary=[_summary(text)])

    def _search(self) -> Iterator[JSON | str]:
        action = {"type": "search", "query": "the weather"}
        item = self._item("ws", type="web_search_call", status="in_progress", action=action)
        at = self._place(item)
        yield self._added(item)
        for step in ("in_progress", "searching", "completed"):
            yield {"type": f"response.web_search_call.{step}", **at}
        yield self._done(item, status="completed")

    def _message(self, pieces: list[str]) -> Iterator[JSON | str]:
        kind = "refusal" if self.script.refuses else "output_text"
        logged: JSON = {} if self.script.refuses else {"logprobs": []}
        item = self._item("msg", type="message", role="assistant", status="in_progress", content=[])
        at = self._place(item) | {"content_index": 0}
        yield self._added(item)
        yield {"type": "response.content_part.added", **at, "part": _content(kind, "")}
        for piece in pieces:
            yield "word"
            yield {"type": f"response.{kind}.delta", **at, "delta": piece, **logged}
        text = "".join(pieces)
        field_name = "refusal" if self.script.refuses else "text"
        yield {"type": f"response.{kind}.done", **at, field_name: text, **logged}
        yield {"type": "response.content_part.done", **at, "part": _content(kind, text)}
        yield self._done(item, status="completed", content=[_content(kind, text)])

    def _call(self, number: int) -> Iterator[JSON | str]:
        name = f"tool{number}"
        item = self._item("fc", type="function_call", status="in_progress", name=name, arguments="")
        item["call_id"] = f"call_{item['id']}"
        at = self._place(item)
        yield self._added(item)
        for piece in ARGUMENTS:
            yield "word"
            yield {"type": "response.function_call_arguments.delta", **at, "delta": piece}
        text = "".join(ARGUMENTS)
        yield {"type": "response.function_call_arguments.done", **at, "name": name, "arguments": text}
        yield self._done(item, status="completed", arguments=text)

    def _item(self, prefix: str, **fields: Any) -> JSON:
        item = {"id": f"{prefix}_{self.record.id}_{len(self.output)}", **fields}
        self.output.append(item)
        return item

    def _place(self, item: JSON) -> JSON:
        return {"item_id": item["id"], "output_index": len(self.output) - 1}

    def _added(self, item: JSON) -> JSON:
        return {
            "type": "response.output_item.added",
            "output_index": len(self.output) - 1,
            "item": dict(item),
        }

    def _done(self, item: JSON, **fields: Any) -> JSON:
        item |= fields
        return {"type": "response.output_item.done", "output_index": len(self.output) - 1, "item": dict(item)}


def _summary(text: str) -> JSON:
    return {"type": "summary_text", "text": text}


def _content(kind: str, text: str) -> JSON:
    if kind == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

"""A response's output items, reasoning and message, in OpenAI's format."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from chat.protocol.objects import ContentPart, OutputItem, ResponseObject

Kind = Literal["reasoning", "message"]


@dataclass(slots=True)
class Item:
    """An output item, its text in pieces; `index`: its place in the output."""

    kind: Kind
    id: str
    index: int
    pieces: list[str] = field(default_factory=list)

    @classmethod
    def new(cls, response_id: str, kind: Kind, index: int, pieces: Iterable[str] = ()) -> "Item":
        """Create an item; its id is the same in every process."""
        prefix = "rs" if kind == "reasoning" else "msg"
        return cls(kind, f"{prefix}_{response_id}", index, list(pieces))

    @property
    def text(self) -> str:
        """The joined pieces."""
        return "".join(self.pieces)

    def as_object(self, status: str) -> OutputItem:
        """OpenAI's output item, for a response status; no content before the first piece."""
        status = status if status in ("in_progress", "completed") else "incomplete"
        content = [self.part(self.text)] if self.pieces else []
        if self.kind == "reasoning":
            return {"id": self.id, "type": "reasoning", "summary": [], "content": content, "status": status}
        return {"id": self.id, "type": "message", "role": "assistant", "status": status, "content": content}

    def part(self, text: str) -> ContentPart:
        """OpenAI's content part with this text."""
        if self.kind == "reasoning":
            return {"type": "reasoning_text", "text": text}
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def output_text(response: ResponseObject, kind: Kind = "message") -> str:
    """The message or reasoning text of a response object."""
    parts = (part for item in response["output"] if item["type"] == kind for part in item["content"])
    return "".join(part["text"] for part in parts)


def output_items(response_id: str, status: str, *, text: str, reasoning: str) -> list[OutputItem]:
    """A response object's output from complete texts; an empty text has no item."""
    texts: dict[Kind, str] = {"reasoning": reasoning, "message": text}
    kinds = filter(texts.get, texts)
    return [
        Item.new(response_id, kind, index, [texts[kind]]).as_object(status)
        for index, kind in enumerate(kinds)
    ]

"""The items of an output, reasoning and message, and the events that open, fill and close them.

arrow in: pieces of text, and the number of the next event · arrow out: OpenAI's output items, and events
"""

from dataclasses import dataclass, field
from typing import Literal

from chat.protocol.events import (
    JSON,
    ContentPartAdded,
    ContentPartDone,
    Event,
    OutputItemAdded,
    OutputItemDone,
    ReasoningDelta,
    ReasoningDone,
    TextDelta,
    TextDone,
)

Kind = Literal["reasoning", "message"]


@dataclass(slots=True)
class Item:
    """One item of the output, its text in pieces as they came."""

    kind: Kind
    id: str
    index: int
    pieces: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, response_id: str, kind: Kind, index: int) -> "Item":
        """An empty item of a response; `index` is its place in the output."""
        prefix = "rs" if kind == "reasoning" else "msg"
        return cls(kind, f"{prefix}_{response_id}", index)

    @property
    def text(self) -> str:
        """The pieces as one string."""
        return "".join(self.pieces)

    def copy(self) -> "Item":
        """An item that goes its own way from here."""
        return Item(self.kind, self.id, self.index, list(self.pieces))

    def wire(self, status: str) -> JSON:
        """OpenAI's output item, in a response with this status; one that is just added has no content yet."""
        status = status if status in ("in_progress", "completed") else "incomplete"
        content = [self._part(self.text)] if self.pieces else []
        if self.kind == "reasoning":
            return {"id": self.id, "type": "reasoning", "summary": [], "content": content, "status": status}
        return {"id": self.id, "type": "message", "role": "assistant", "status": status, "content": content}

    def opened(self, number: int) -> list[Event]:
        """The events that open the item, the first with this number."""
        item, part = self.wire("in_progress"), self._part("")
        return [
            OutputItemAdded(sequence_number=number, output_index=self.index, item=item),
            ContentPartAdded(sequence_number=number + 1, item_id=self.id, output_index=self.index, part=part),
        ]

    def delta(self, text: str, number: int) -> Event:
        """The event that adds `text` to the item."""
        kind = ReasoningDelta if self.kind == "reasoning" else TextDelta
        return kind(sequence_number=number, item_id=self.id, output_index=self.index, delta=text)

    def closed(self, status: str, number: int) -> list[Event]:
        """The events that close the item of a response that ends with this status."""
        part, item = self._part(self.text), self.wire(status)
        return [
            self._done(number),
            ContentPartDone(sequence_number=number + 1, item_id=self.id, output_index=self.index, part=part),
            OutputItemDone(sequence_number=number + 2, output_index=self.index, item=item),
        ]

    def _done(self, number: int) -> Event:
        kind = ReasoningDone if self.kind == "reasoning" else TextDone
        return kind(sequence_number=number, item_id=self.id, output_index=self.index, text=self.text)

    def _part(self, text: str) -> JSON:
        if self.kind == "reasoning":
            return {"type": "reasoning_text", "text": text}
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def output_text(response: JSON, kind: Kind = "message") -> str:
    """The text of a response object's output, of the message or of the reasoning."""
    parts = (part for item in response["output"] if item["type"] == kind for part in item["content"])
    return "".join(part["text"] for part in parts)


def output_items(response_id: str, status: str, *, text: str, reasoning: str) -> list[JSON]:
    """The output of a response object whose texts are known whole."""
    texts: dict[Kind, str] = {"reasoning": reasoning, "message": text}
    items: list[JSON] = []
    for kind in filter(texts.get, texts):
        item = Item.of(response_id, kind, len(items))
        item.pieces.append(texts[kind])
        items.append(item.wire(status))
    return items

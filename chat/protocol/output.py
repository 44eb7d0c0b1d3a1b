"""A response's output items: reasoning, messages, function calls and others, in OpenAI's format."""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, cast

from chat.ids import RESPONSE, bare, item_prefix
from chat.protocol.events import JSON
from chat.protocol.objects import ContentPart, OutputItem, ResponseObject
from chat.protocol.pieces import PieceKind

Kind = Literal["reasoning", "message"]
PartType = Literal["output_text", "reasoning_text", "refusal"]
ItemStatus = Literal["in_progress", "completed", "incomplete"]

ITEM_OF: dict[PieceKind, Kind] = {"text": "message", "reasoning": "reasoning", "refusal": "message"}
PART_OF: dict[PieceKind, PartType] = {
    "text": "output_text",
    "reasoning": "reasoning_text",
    "refusal": "refusal",
}
KIND_OF: dict[PartType, PieceKind] = {part: kind for kind, part in PART_OF.items()}
CLOSED: dict[str, ItemStatus] = {"completed": "completed", "incomplete": "incomplete"}


@dataclass(slots=True)
class TextPart:
    """A part of an item, its text in pieces."""

    type: PartType
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The joined pieces."""
        return "".join(self.pieces)

    def as_object(self) -> ContentPart:
        """OpenAI's content part."""
        return content_part(self.type, self.text)


@dataclass(slots=True)
class TextItem:
    """A reasoning or message item; `index`: its place in the output; `closed`: its status once it is done."""

    kind: Kind
    id: str
    index: int
    parts: list[TextPart] = field(default_factory=list)
    closed: ItemStatus | None = None

    @property
    def text(self) -> str:
        """The joined parts."""
        return "".join(part.text for part in self.parts)

    def opened(self) -> OutputItem:
        """The output item as it begins."""
        return replace(self, parts=[], closed=None).as_object("in_progress")

    def as_object(self, status: ItemStatus) -> OutputItem:
        """OpenAI's output item, with this status unless it is done."""
        status, content = self.closed or status, [part.as_object() for part in self.parts]
        if self.kind == "reasoning":
            return {"id": self.id, "type": "reasoning", "summary": [], "content": content, "status": status}
        return {"id": self.id, "type": "message", "role": "assistant", "status": status, "content": content}


@dataclass(slots=True)
class CallItem:
    """A call of a function of the client, its arguments in pieces."""

    kind: ClassVar = "function_call"
    id: str
    index: int
    call_id: str
    name: str
    pieces: list[str] = field(default_factory=list)
    closed: ItemStatus | None = None

    @property
    def arguments(self) -> str:
        """The joined pieces."""
        return "".join(self.pieces)

    def opened(self) -> OutputItem:
        """The output item as it begins."""
        return replace(self, pieces=[], closed=None).as_object("in_progress")

    def as_object(self, status: ItemStatus) -> OutputItem:
        """OpenAI's output item, with this status unless it is done."""
        return {
            "id": self.id,
            "type": "function_call",
            "status": self.closed or status,
            "call_id": self.call_id,
            "name": self.name,
            "arguments": self.arguments,
        }


@dataclass(slots=True)
class OtherItem:
    """An item of another kind, as the model's server has it; only the id is ours.

    Its status is `in_progress` exactly while it is open.
    """

    id: str
    index: int
    body: OutputItem
    closed: ItemStatus | None = None

    @property
    def kind(self) -> str:
        """Its type."""
        return self.body["type"]

    def opened(self) -> OutputItem:
        """The item as it begins."""
        return self.body | {"status": "in_progress"}

    def as_object(self, status: ItemStatus) -> OutputItem:
        """The item, with this status unless it is done; one that was cut off has failed."""
        known = "failed" if status == "incomplete" else status  # of these, all kinds have it
        return self.body if self.closed else self.body | {"status": known}


Item = TextItem | CallItem | OtherItem


def item_id(kind: str, response_id: str, index: int) -> str:
    """An item's id: the same in every process, and of no other attempt's item."""
    digits = bare(RESPONSE, response_id).replace("-", "")
    return f"{item_prefix(kind)}_{digits}_{index}"


def item_of(body: OutputItem, index: int) -> Item:
    """The item of an output item; open while that is in progress."""
    if body["type"] not in ("reasoning", "message", "function_call"):
        is_open = body.get("status") == "in_progress"
        return OtherItem(body["id"], index, body, None if is_open else "completed")
    status = CLOSED.get(body["status"])
    if body["type"] == "function_call":
        pieces = [body["arguments"]] if body["arguments"] else []
        return CallItem(body["id"], index, body["call_id"], body["name"], pieces, status)
    parts = [TextPart(part["type"], [_text(part)]) for part in body["content"]]
    kind: Kind = "reasoning" if body["type"] == "reasoning" else "message"
    return TextItem(kind, body["id"], index, parts, status)


def other_item(body: JSON, own_id: str) -> OutputItem:
    """A done item of another kind under our id."""
    status = {"status": "completed"} if body.get("status") == "in_progress" else {}
    return cast("OutputItem", body | {"id": own_id} | status)


def content_part(kind: PartType, text: str) -> ContentPart:
    """OpenAI's content part with this text."""
    if kind == "refusal":
        return {"type": "refusal", "refusal": text}
    if kind == "reasoning_text":
        return {"type": "reasoning_text", "text": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def output_text(response: ResponseObject, kind: Kind = "message") -> str:
    """The message or reasoning text of a response object; a refusal is text, too."""
    parts = (part for item in response["output"] if item["type"] == kind for part in item["content"])
    return "".join(map(_text, parts))


def has_answer(response: ResponseObject) -> bool:
    """Whether the output has text or a call, so that later prompts contain it."""
    has_call = any(item["type"] == "function_call" for item in response["output"])
    return has_call or bool(output_text(response))


def _text(part: ContentPart) -> str:
    return part["refusal"] if part["type"] == "refusal" else part["text"]

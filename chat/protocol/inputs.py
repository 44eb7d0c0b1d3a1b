"""OpenAI's input items: validated, and normalized as they are stored.

Formats: https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from chat.protocol.events import JSON
from chat.protocol.fields import LIST, TEXT, Text, Tolerant, kind_of, refused, shape

MAX_URL_CHARS = 8_192  # of an address; of data the frame bounds them
MAX_ID_CHARS = 200
MAX_NAME_CHARS = 128  # of a function
MAX_FILENAME_CHARS = 255
DATA = "data:"  # the scheme of content in a URL


def _address(url: str) -> str:
    if not url.startswith("https://") or len(url) > MAX_URL_CHARS:
        raise refused("invalid_field")
    return url


def address_or_data(url: str) -> str:
    """Check the address of an image: https, or data. Raises as `refused`."""
    return url if url.startswith(DATA) else _address(url)


Id = Annotated[Text, Field(min_length=1, max_length=MAX_ID_CHARS)]
Name = Annotated[Text, Field(min_length=1, max_length=MAX_NAME_CHARS)]


class _Stored(Tolerant):
    def stored(self) -> JSON:
        """The fields that were sent, as JSON."""
        return self.model_dump(exclude_none=True)


class TextPart(_Stored):
    """A text."""

    type: Literal["input_text", "output_text", "text"]
    text: Text

    def stored(self) -> JSON:
        """OpenAI's output texts have two lists more."""
        lists: JSON = {"annotations": [], "logprobs": []} if self.type == "output_text" else {}
        return super().stored() | lists


class RefusalPart(_Stored):
    """A refusal of the model."""

    type: Literal["refusal"]
    refusal: Text


class ImagePart(_Stored):
    """An image: at an address, as data or a stored file."""

    type: Literal["input_image"]
    image_url: Annotated[Text, AfterValidator(address_or_data)] | None = None
    file_id: Id | None = None
    detail: Literal["auto", "low", "high", "original"] | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> "ImagePart":
        require_one(self, "image_url", "file_id")
        return self


class FilePart(_Stored):
    """A file: as data, at an address or stored."""

    type: Literal["input_file"]
    file_data: Annotated[Text, Field(min_length=1)] | None = None
    file_url: Annotated[Text, AfterValidator(_address)] | None = None
    file_id: Id | None = None
    filename: Annotated[Text, Field(max_length=MAX_FILENAME_CHARS)] | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> "FilePart":
        require_one(self, "file_data", "file_url", "file_id")
        return self


def require_one(part: Tolerant, *names: str) -> None:
    """Check that the part has exactly one of the fields. Raises as `refused`."""
    found = [name for name in names if getattr(part, name) is not None]
    if not found:
        raise refused("missing_field", names[0])
    if len(found) > 1:
        raise refused("invalid_field", found[1])


Part = Annotated[
    Annotated[TextPart, Tag("<input_text>")]
    | Annotated[TextPart, Tag("<output_text>")]
    | Annotated[TextPart, Tag("<text>")]
    | Annotated[RefusalPart, Tag("<refusal>")]
    | Annotated[ImagePart, Tag("<input_image>")]
    | Annotated[FilePart, Tag("<input_file>")],
    Discriminator(kind_of()),
]
Parts = Annotated[list[Part], Field(fail_fast=True)]
TextOrParts = Annotated[Annotated[Text, Tag(TEXT)] | Annotated[Parts, Tag(LIST)], Discriminator(shape)]


class Message(_Stored):
    """A message, full or easy: without a `type`, its content a text."""

    type: Literal["message"] | None = None
    role: Literal["user", "assistant", "system", "developer"]
    content: TextOrParts
    name: Annotated[Text, Field(max_length=64)] | None = None
    phase: Annotated[Text, Field(max_length=64)] | None = None

    def stored(self) -> JSON:
        """A full message."""
        parts = self.content
        if isinstance(parts, str):
            kind: Any = "output_text" if self.role == "assistant" else "input_text"
            parts = [TextPart(type=kind, text=parts)]
        message: JSON = {"type": "message", "role": self.role, "status": "completed"}
        message["content"] = [part.stored() for part in parts]
        return message | self.model_dump(include={"name", "phase"}, exclude_none=True)


class FunctionCall(_Stored):
    """A call by the model. `arguments`: a text, never parsed."""

    type: Literal["function_call"]
    call_id: Id
    name: Name
    arguments: Text

    def stored(self) -> JSON:
        """A completed call."""
        return super().stored() | {"status": "completed"}


class FunctionCallOutput(_Stored):
    """The result of a call."""

    type: Literal["function_call_output"]
    call_id: Id
    output: TextOrParts

    def stored(self) -> JSON:
        """A completed result."""
        output = self.output if isinstance(self.output, str) else [part.stored() for part in self.output]
        return {"type": self.type, "call_id": self.call_id, "output": output, "status": "completed"}


class SummaryText(_Stored):
    """A part of a summary."""

    type: Literal["summary_text"] = "summary_text"
    text: Text


class ReasoningText(_Stored):
    """A part of a reasoning."""

    type: Literal["reasoning_text"] = "reasoning_text"
    text: Text


class Reasoning(_Stored):
    """A reasoning of the model; no later model reads it."""

    type: Literal["reasoning"]
    summary: Annotated[list[SummaryText], Field(fail_fast=True)] | None = None
    content: Annotated[list[ReasoningText], Field(fail_fast=True)] | None = None
    encrypted_content: Text | None = None

    def stored(self) -> JSON:
        """With both lists."""
        return {"summary": [], "content": [], "status": "completed"} | super().stored()


class ItemReference(_Stored):
    """A stored item, by its id."""

    type: Literal["item_reference"] | None = None
    id: Id

    def stored(self) -> JSON:
        """To be replaced by the item."""
        return {"type": "item_reference", "id": self.id}


_typed = kind_of("message")


def _kind(value: Any) -> str | None:
    """OpenAI lets the type of a reference be absent, too."""
    is_reference = isinstance(value, dict) and value.get("type") is None and "id" in value
    return "<item_reference>" if is_reference and "role" not in value else _typed(value)


Item = Annotated[
    Annotated[Message, Tag("<message>")]
    | Annotated[FunctionCall, Tag("<function_call>")]
    | Annotated[FunctionCallOutput, Tag("<function_call_output>")]
    | Annotated[Reasoning, Tag("<reasoning>")]
    | Annotated[ItemReference, Tag("<item_reference>")],
    Discriminator(_kind),
]
Items = Annotated[list[Item], Field(fail_fast=True)]
Input = Annotated[Annotated[Text, Tag(TEXT)] | Annotated[Items, Tag(LIST)], Discriminator(shape)]


def normalized(given: str | Sequence[_Stored]) -> list[JSON]:
    """Items in their full form, still without ids; a text is one message of the user."""
    items = [Message(role="user", content=given)] if isinstance(given, str) else given
    return [item.stored() for item in items]

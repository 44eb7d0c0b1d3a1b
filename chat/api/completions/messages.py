"""Messages of chat completions: validated, and as input items of a response. Pure.

Format: https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages
`chat.protocol.messages` is the way back.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from chat.protocol.events import JSON
from chat.protocol.fields import LIST, TEXT, Text, Tolerant, kind_of, only, refused, shape
from chat.protocol.inputs import MAX_FILENAME_CHARS, Id, Name, address_or_data, require_one

MAX_CALLS = 128  # of a message


def _no_function(role: Any) -> Any:
    """Refuse the role that tools have replaced."""
    if role == "function":
        raise refused("unsupported_parameter")
    return role


def _absent(value: Any) -> Any:
    if value is not None:
        raise refused("unsupported_parameter")
    return value


Absent = Annotated[Any, AfterValidator(_absent)]


class TextPart(Tolerant):
    """A text."""

    type: Literal["text"]
    text: Text

    def item_part(self, role: str) -> JSON:
        """The part of an item."""
        return {"type": "output_text" if role == "assistant" else "input_text", "text": self.text}


class RefusalPart(Tolerant):
    """A refusal of the model."""

    type: Literal["refusal"]
    refusal: Text

    def item_part(self, role: str) -> JSON:
        """The part of an item."""
        return {"type": "refusal", "refusal": self.refusal}


class Image(Tolerant):
    """An image at an address, or as data."""

    url: Annotated[Text, AfterValidator(address_or_data)]
    detail: Literal["auto", "low", "high", "original"] | None = None


class ImagePart(Tolerant):
    """An image."""

    type: Literal["image_url"]
    image_url: Image

    def item_part(self, role: str) -> JSON:
        """The part of an item."""
        image = {"type": "input_image", "image_url": self.image_url.url, "detail": self.image_url.detail}
        return {name: value for name, value in image.items() if value is not None}


class File(Tolerant):
    """A file: as data, or stored."""

    file_data: Annotated[Text, Field(min_length=1)] | None = None
    file_id: Id | None = None
    filename: Annotated[Text, Field(max_length=MAX_FILENAME_CHARS)] | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> "File":
        require_one(self, "file_data", "file_id")
        return self


class FilePart(Tolerant):
    """A file."""

    type: Literal["file"]
    file: File

    def item_part(self, role: str) -> JSON:
        """The part of an item."""
        return {"type": "input_file"} | self.file.model_dump(exclude_none=True)


Part = Annotated[
    Annotated[TextPart, Tag("<text>")]
    | Annotated[RefusalPart, Tag("<refusal>")]
    | Annotated[ImagePart, Tag("<image_url>")]
    | Annotated[FilePart, Tag("<file>")],
    Discriminator(kind_of()),
]
Content = Annotated[
    Annotated[Text, Tag(TEXT)] | Annotated[list[Part], Field(fail_fast=True), Tag(LIST)],
    Discriminator(shape),
]


class CalledFunction(Tolerant):
    """A function with arguments. `arguments`: a text, never parsed."""

    name: Name
    arguments: Text


class Call(Tolerant):
    """A call by the model."""

    type: Literal["function"]
    id: Id
    function: CalledFunction

    def item(self) -> JSON:
        """The item of the call."""
        return {"type": "function_call", "call_id": self.id} | self.function.model_dump()


class Message(Tolerant):
    """A message of any role; names that OpenAI's answers have beside these are dropped."""

    role: Annotated[
        Literal["system", "developer", "user", "assistant", "tool"], BeforeValidator(_no_function)
    ]
    content: Content | None = None
    name: Annotated[Text, Field(max_length=64)] | None = None
    refusal: Text | None = None
    tool_calls: (
        Annotated[list[Annotated[Call, only("function")]], Field(max_length=MAX_CALLS, fail_fast=True)] | None
    ) = None
    tool_call_id: Id | None = None
    function_call: Absent = None
    audio: Absent = None

    @model_validator(mode="after")
    def _is_whole(self) -> "Message":
        """Only the assistant may have no content, if it refuses or calls."""
        is_assistant = self.role == "assistant"
        if self.content is None and not (is_assistant and (self.tool_calls or self.refusal is not None)):
            raise refused("missing_field", "content")
        if self.role == "tool" and self.tool_call_id is None:
            raise refused("missing_field", "tool_call_id")
        if self.tool_calls and not is_assistant:
            raise refused("invalid_field", "tool_calls")
        return self

    def items(self) -> Iterator[JSON]:
        """The items of the message: one, or its text and calls."""
        if self.role == "tool":
            output = self.content if isinstance(self.content, str) else self._parts()
            yield {"type": "function_call_output", "call_id": self.tool_call_id, "output": output}
            return
        if self.content is not None or self.refusal is not None:
            message: JSON = {"type": "message", "role": self.role, "content": self._parts()}
            yield message | ({"name": self.name} if self.name else {})
        for call in self.tool_calls or ():
            yield call.item()

    def _parts(self) -> list[JSON]:
        content = self.content or []
        parts: list[Any] = [TextPart(type="text", text=content)] if isinstance(content, str) else [*content]
        if self.refusal is not None:
            parts.append(RefusalPart(type="refusal", refusal=self.refusal))
        return [part.item_part(self.role) for part in parts]


Messages = Annotated[list[Message], Field(min_length=1, fail_fast=True)]

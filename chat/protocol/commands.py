"""Parse client frames into typed commands.

`response.create` is OpenAI's (https://platform.openai.com/docs/api-reference/responses/create); `tailrace:`
marks our own commands.
"""

from functools import partial
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, from_json

from chat.ids import bare
from chat.protocol.errors import CommandError
from chat.protocol.structure import MAX_METADATA, check_create, refuse_unknown

MAX_INPUT_CHARS = 16_000  # about 4,000 tokens
MAX_SETTINGS_BYTES = 16 * 1024  # instructions and metadata: in three events of each log
MAX_FRAME_BYTES = 256 * 1024  # fits MAX_INPUT_CHARS at 12 escaped bytes per character
MAX_SERVER_FRAME_BYTES = 512 * 1024  # beyond it the web server closes the socket without an error
MAX_STREAM_ID_CHARS = 100  # repeated in every event
MAX_TITLE_CHARS = 80


def storable(text: str) -> str:
    """Return text that JSON and the database can store. Raises ValueError."""
    text.encode()  # ValueError for a lone surrogate
    if "\x00" in text:
        message = "PostgreSQL stores no NUL"
        raise ValueError(message)
    return text


def _bare(prefix: str, value: Any) -> Any:
    return bare(prefix, value) if isinstance(value, str) else value


def _one_line(text: str) -> str:
    return " ".join(text.split())


Text = Annotated[str, AfterValidator(storable)]
Title = Annotated[Text, AfterValidator(_one_line), Field(min_length=1, max_length=MAX_TITLE_CHARS)]
ResponseId = Annotated[UUID, Field(strict=False), BeforeValidator(partial(_bare, "resp"))]
ConversationId = Annotated[UUID, Field(strict=False), BeforeValidator(partial(_bare, "conv"))]
SequenceNumber = Annotated[int, Field(ge=-1, lt=2**53)]  # JSON's safe integers; -1: before the first event
StreamId = Annotated[Text, Field(max_length=MAX_STREAM_ID_CHARS)] | None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TextPart(_Strict):
    """A part of `content`."""

    type: Literal["input_text", "output_text", "text"]
    text: Text


class Message(_Strict):
    """One item of an `input` list."""

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: Text | Annotated[list[TextPart], Field(fail_fast=True)]

    def plain(self) -> dict[str, str]:
        """The message with its content joined."""
        content = self.content if isinstance(self.content, str) else "".join(p.text for p in self.content)
        return {"role": self.role, "content": content}


class TailraceOptions(_Strict):
    """Our fields of `response.create`."""

    conversation_id: ConversationId | None = None
    client_request_id: Annotated[Text, Field(min_length=1, max_length=100)] | None = None
    regenerate_of: ResponseId | None = None


class Create(_Strict):
    """`response.create`. Without `input` it must regenerate an earlier response."""

    type: Literal["response.create"]
    model: Annotated[Text, Field(max_length=200)] | None = None
    input: Text | Annotated[list[Message], Field(fail_fast=True)] | None = None
    instructions: Annotated[Text, Field(max_length=MAX_INPUT_CHARS)] | None = None
    previous_response_id: ResponseId | None = None
    max_output_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    metadata: (
        Annotated[
            dict[Annotated[Text, Field(max_length=64)], Annotated[Text, Field(max_length=512)]],
            Field(max_length=MAX_METADATA),
        ]
        | None
    ) = None
    stream_id: StreamId = None
    stream: Literal[True] | None = None  # always true, like the next two; SDKs send it
    background: Literal[True] | None = None
    store: Literal[True] | None = None
    tailrace: TailraceOptions = TailraceOptions()

    def messages(self) -> list[dict[str, str]]:
        """The input as chat messages, `[{"role", "content"}]`."""
        if isinstance(self.input, str):
            return [{"role": "user", "content": self.input}]
        return [message.plain() for message in self.input or ()]


class Subscribe(_Strict):
    """`tailrace:subscribe`: follow after a sequence number, or from a snapshot."""

    type: Literal["tailrace:subscribe"]
    response_id: ResponseId
    starting_after: SequenceNumber | None = None
    stream_id: StreamId = None


class Unsubscribe(_Strict):
    """`tailrace:unsubscribe`: stop following; the response continues."""

    type: Literal["tailrace:unsubscribe"]
    response_id: ResponseId


class Acknowledge(_Strict):
    """`tailrace:ack`: from the first one on, few events are sent ahead."""

    type: Literal["tailrace:ack"]
    response_id: ResponseId
    sequence_number: SequenceNumber


class Cancel(_Strict):
    """`tailrace:cancel`: cancel for all readers."""

    type: Literal["tailrace:cancel"]
    response_id: ResponseId


class Change(_Strict):
    """`PATCH /conversations/<id>/`: absent fields change nothing."""

    title: Title = ""
    deleted: bool = False
    read: Literal[True] = True

    def has(self, field: str) -> bool:
        """Whether the body has the field."""
        return field in self.model_fields_set


Command = Create | Subscribe | Unsubscribe | Acknowledge | Cancel
COMMANDS: dict[str, type[Command]] = {
    "response.create": Create,
    "tailrace:subscribe": Subscribe,
    "tailrace:unsubscribe": Unsubscribe,
    "tailrace:ack": Acknowledge,
    "tailrace:cancel": Cancel,
}
Known = TypeVar("Known", bound=_Strict)


def parse(frame: str) -> Command:
    """Parse a frame. Raises CommandError with the field and, if readable, the `stream_id`."""
    body = json_object(frame)
    kind = body.get("type")
    if "type" not in body:
        raise CommandError("missing_field", "type", _stream_id(body))
    if not isinstance(kind, str) or kind not in COMMANDS:
        raise CommandError("unknown_type", "type", _stream_id(body))
    return create(body) if kind == "response.create" else _validated(COMMANDS[kind], body)


def create(body: dict[str, Any]) -> Create:
    """Validate a `response.create`. Raises CommandError."""
    command = _validated(Create, body)
    _check_settings(command)
    if command.input is not None:
        _check_input(command)
    elif command.tailrace.regenerate_of is None:
        raise CommandError("missing_field", "input", command.stream_id)
    return command


def change(body: bytes) -> Change:
    """Parse a conversation change. Raises CommandError."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise CommandError("invalid_json") from None
    return _validated(Change, json_object(text))


def json_object(frame: str) -> dict[str, Any]:
    """Parse a JSON object. Raises CommandError."""
    if len(frame) > MAX_FRAME_BYTES or len(frame.encode(errors="replace")) > MAX_FRAME_BYTES:
        raise CommandError("frame_too_large")
    try:
        body = from_json(frame)
    except ValueError:
        raise CommandError("invalid_json") from None
    if not isinstance(body, dict):
        raise CommandError("invalid_json")
    return body


def _validated(kind: type[Known], body: dict[str, Any]) -> Known:
    try:
        refuse_unknown(kind.model_fields, body)
        if kind is Create:
            check_create(body, TailraceOptions.model_fields, Message.model_fields, TextPart.model_fields)
        return kind.model_validate(body)
    except CommandError as refused:
        refused.stream_id = _stream_id(body)
        raise
    except ValidationError as invalid:
        code, param = _refusal(invalid.errors(include_url=False, include_input=False)[0])
        raise CommandError(code, param, _stream_id(body)) from None


def _stream_id(body: dict[str, Any]) -> str | None:
    stream_id = body.get("stream_id")
    return stream_id if isinstance(stream_id, str) and len(stream_id) <= MAX_STREAM_ID_CHARS else None


def _refusal(error: ErrorDetails) -> tuple[str, str]:
    """Code and field path: `input`, `tailrace.conversation_id`."""
    codes = {"missing": "missing_field", "extra_forbidden": "unknown_field"}
    field, *inner = [str(part) for part in error["loc"]]
    param = f"{field}.{inner[0]}" if field == "tailrace" and inner else field
    return codes.get(error["type"], "invalid_field"), param


def _check_settings(command: Create) -> None:
    texts = [command.instructions or ""]
    for pair in (command.metadata or {}).items():
        texts += pair
    if sum(len(text.encode()) for text in texts) > MAX_SETTINGS_BYTES:
        param = "instructions" if command.instructions else "metadata"
        raise CommandError("settings_too_long", param, command.stream_id)


def _check_input(command: Create) -> None:
    texts = [message["content"] for message in command.messages()]
    if not any(text.strip() for text in texts):
        raise CommandError("empty_input", "input", command.stream_id)
    if sum(map(len, texts)) > MAX_INPUT_CHARS:
        raise CommandError("input_too_long", "input", command.stream_id)

"""Parse client frames into typed commands.

`response.create` is OpenAI's (https://platform.openai.com/docs/api-reference/responses/create); `tailrace:`
marks our own commands.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from chat.ids import CONVERSATION, RESPONSE, bare
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.protocol.fields import Json, JsonObject, Strict, Text, json_bytes, refusal, refused
from chat.protocol.input_items import is_empty, texts
from chat.protocol.inputs import Input, normalized
from chat.protocol.options import Options, ReasoningOptions, TextOptions
from chat.protocol.structure import MAX_METADATA, check_create, check_structure, refuse_unknown

MAX_INPUT_CHARS = 400_000  # about 100,000 tokens of English; a model's context may be smaller
MAX_SETTINGS_BYTES = 256 * 1024  # of all that is no input: a coding agent's tools have 40 KiB
# fits both at once in UTF-8: 1.6 MB of input, at 4 bytes per character, and the settings with some escapes
MAX_FRAME_BYTES = 2 * 1024 * 1024
MAX_SERVER_FRAME_BYTES = 2_560 * 1024  # beyond it the web server closes the socket without an error
STREAM_ID = re.compile(r"[A-Za-z0-9_.-]{1,256}", re.ASCII)  # as OpenAI's SDKs allow; repeated in every event
MAX_TITLE_CHARS = 80
MAX_KEY_DAYS = 3_650
MAX_DEFAULT_INSTRUCTIONS_CHARS = 10_000  # a body has 64 KiB
SOONEST = {"completion_window": "soonest"}  # the only way in which a response runs here
# OpenAI's, of services that Tailrace has not
UNSUPPORTED = frozenset(
    ("prompt", "moderation", "context_management", "access_programs", "image", "generate")
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a `response.create`: characters of input, bytes of all else.

    `modes`: `stream`, `background` and `store` may be false.
    """

    input_chars: int = MAX_INPUT_CHARS
    settings_bytes: int = MAX_SETTINGS_BYTES
    modes: bool = False


MODES = ("stream", "background", "store")
OF_SOCKETS = Limits()
OF_PROGRAMS = Limits(modes=True)


def _bare(prefix: str, value: Any) -> Any:
    return bare(prefix, value) if isinstance(value, str) else value


def _id_of(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if not isinstance(value.get("id"), str):
        raise refused("invalid_field", "id")
    return value["id"]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _stream_id_of_sdks(text: str) -> str:
    if not STREAM_ID.fullmatch(text):
        raise refused("invalid_stream_id")
    return text


def _soonest(options: JSON) -> JSON:
    if options != SOONEST:
        raise refused("unsupported_parameter")
    return options


ModelName = Annotated[Text, Field(max_length=200)]
MaxOutputTokens = Annotated[int, Field(ge=1, le=1_000_000)]
Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
Title = Annotated[Text, AfterValidator(_one_line), Field(min_length=1, max_length=MAX_TITLE_CHARS)]
ResponseId = Annotated[UUID, Field(strict=False), BeforeValidator(partial(_bare, RESPONSE))]
ConversationId = Annotated[UUID, Field(strict=False), BeforeValidator(partial(_bare, CONVERSATION))]
ConversationName = Annotated[ConversationId, BeforeValidator(_id_of)]  # or an object with this `id`
Metadata = Annotated[
    dict[Annotated[Text, Field(max_length=64)], Annotated[Text, Field(max_length=512)]],
    Field(max_length=MAX_METADATA),
]
SequenceNumber = Annotated[int, Field(ge=-1, lt=2**53)]  # JSON's safe integers; -1: before the first event
StreamId = Annotated[str, AfterValidator(_stream_id_of_sdks)] | None


class TailraceOptions(Strict):
    """Our fields of `response.create`."""

    conversation_id: ConversationId | None = None
    client_request_id: Annotated[Text, Field(min_length=1, max_length=100)] | None = None
    regenerate_of: ResponseId | None = None


class StreamOptions(Strict):
    """`stream_options`; no event is obfuscated."""

    include_obfuscation: bool | None = None


class Create(Options):
    """`response.create`. Without `input` it must regenerate an earlier response.

    Other fields are the model's own, which `create` has checked: `model_extra`.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Json]

    type: Literal["response.create"]
    model: ModelName | None = None
    input: Input | None = None
    instructions: Text | None = None
    previous_response_id: ResponseId | None = None
    max_output_tokens: MaxOutputTokens | None = None
    temperature: Temperature | None = None
    conversation: ConversationName | None = None
    metadata: Metadata | None = None
    stream_id: StreamId = None
    stream: bool | None = None
    background: bool | None = None
    store: bool | None = None
    stream_options: StreamOptions | None = None
    background_options: Annotated[JsonObject, AfterValidator(_soonest)] | None = None
    tailrace: TailraceOptions = TailraceOptions()

    def items(self) -> list[JSON]:
        """The input's items, without ids."""
        return [] if self.input is None else normalized(self.input)


# without other fields; pydantic would make an error of each
OBJECTS = {
    "tailrace": TailraceOptions.model_fields,
    "text": TextOptions.model_fields,
    "reasoning": ReasoningOptions.model_fields,
    "stream_options": StreamOptions.model_fields,
    "conversation": ("id",),
}


class Subscribe(Strict):
    """`tailrace:subscribe`: follow after a sequence number, or from a snapshot."""

    type: Literal["tailrace:subscribe"]
    response_id: ResponseId
    starting_after: SequenceNumber | None = None
    stream_id: StreamId = None


class Unsubscribe(Strict):
    """`tailrace:unsubscribe`: stop following; the response continues."""

    type: Literal["tailrace:unsubscribe"]
    response_id: ResponseId


class Acknowledge(Strict):
    """`tailrace:ack`: from the first one on, few events are sent ahead."""

    type: Literal["tailrace:ack"]
    response_id: ResponseId
    sequence_number: SequenceNumber


class Cancel(Strict):
    """`tailrace:cancel`: cancel for all readers."""

    type: Literal["tailrace:cancel"]
    response_id: ResponseId


class Change(Strict):
    """`PATCH /conversations/<id>/`: absent fields change nothing."""

    title: Title = ""
    deleted: bool = False
    pinned: bool = False
    read: Literal[True] = True

    def has(self, field: str) -> bool:
        """Whether the body has the field."""
        return field in self.model_fields_set


class PreferencesChange(Strict):
    """`PATCH /preferences/`: the settings of new conversations; null is the model's own."""

    model: ModelName | None = None
    instructions: Annotated[Text, Field(max_length=MAX_DEFAULT_INSTRUCTIONS_CHARS)] | None = None
    temperature: Temperature | None = None
    max_output_tokens: MaxOutputTokens | None = None
    reasoning: ReasoningOptions | None = None

    def sent(self) -> JSON:
        """The fields of the body, as JSON."""
        return self.model_dump(exclude_unset=True)


class KeyRequest(Strict):
    """`POST /api-keys/`: a new API key. `days`: it expires after so many; null: never."""

    name: Title
    days: Annotated[int, Field(ge=1, le=MAX_KEY_DAYS)] | None = None


Command = Create | Subscribe | Unsubscribe | Acknowledge | Cancel
COMMANDS: dict[str, type[Command]] = {
    "response.create": Create,
    "tailrace:subscribe": Subscribe,
    "tailrace:unsubscribe": Unsubscribe,
    "tailrace:ack": Acknowledge,
    "tailrace:cancel": Cancel,
}
Known = TypeVar("Known", bound=Strict)


def parse(frame: str, own: Collection[str] = (), limits: Limits = OF_SOCKETS) -> Command:
    """Parse a frame. Raises CommandError with the field and, if readable, the `stream_id`.

    `own` and `limits`: as of `create`.
    """
    body = json_object(frame)
    kind = body.get("type")
    if "type" not in body:
        raise CommandError("missing_field", "type", _stream_id(body))
    if not isinstance(kind, str) or kind not in COMMANDS:
        raise CommandError("unknown_type", "type", _stream_id(body))
    return create(body, limits, own) if kind == "response.create" else validated(COMMANDS[kind], body)


def create(body: JSON, limits: Limits = OF_SOCKETS, own: Collection[str] = ()) -> Create:
    """Validate a `response.create`; null is as good as absent. Raises CommandError.

    `own`: names of the models' own fields.
    """
    try:
        _check_names(body, own)
        check_create(body, OBJECTS)
        _check_settings(body, limits)
    except CommandError as error:
        error.stream_id = _stream_id(body)
        raise
    command = validated(Create, {name: value for name, value in body.items() if value is not None})
    if not limits.modes and (mode := next((each for each in MODES if getattr(command, each) is False), None)):
        raise CommandError("invalid_field", mode, command.stream_id)
    if command.input is not None:
        _check_input(command, limits)
    elif command.tailrace.regenerate_of is None:
        raise CommandError("missing_field", "input", command.stream_id)
    return command


def change(body: bytes) -> Change:
    """Parse a conversation change. Raises CommandError."""
    return validated(Change, _json_body(body))


def preferences_change(body: bytes) -> PreferencesChange:
    """Parse a change of preferences. Raises CommandError."""
    return validated(PreferencesChange, _json_body(body))


def key_request(body: bytes) -> KeyRequest:
    """Parse the body of a request for a key. Raises CommandError."""
    return validated(KeyRequest, _json_body(body))


def _json_body(body: bytes) -> dict[str, Any]:
    try:
        return json_object(body.decode())
    except UnicodeDecodeError:
        raise CommandError("invalid_json") from None


def json_object(frame: str, most_bytes: int = MAX_FRAME_BYTES) -> dict[str, Any]:
    """Parse a JSON object. Raises CommandError."""
    if len(frame) > most_bytes or len(frame.encode(errors="replace")) > most_bytes:
        raise CommandError("frame_too_large")
    check_structure(frame)
    try:
        body = from_json(frame)
    except ValueError:
        raise CommandError("invalid_json") from None
    if not isinstance(body, dict):
        raise CommandError("invalid_json")
    return body


def _check_names(body: JSON, own: Collection[str]) -> None:
    known = Create.model_fields.keys() | UNSUPPORTED | set(own)
    refuse_unknown(known, body)
    unsupported = next((name for name in UNSUPPORTED if body.get(name) is not None), None)
    if unsupported:
        raise CommandError("unsupported_parameter", unsupported)


def validated(kind: type[Known], body: JSON) -> Known:
    """The body as a value of this kind. Raises CommandError."""
    try:
        if kind is not Create:
            refuse_unknown(kind.model_fields, body)
        return kind.model_validate(body)
    except CommandError as error:
        error.stream_id = _stream_id(body)
        raise
    except ValidationError as invalid:
        code, param = refusal(invalid.errors(include_url=False, include_input=False)[0])
        raise CommandError(code, param, _stream_id(body)) from None


def _stream_id(body: dict[str, Any]) -> str | None:
    stream_id = body.get("stream_id")
    return stream_id if isinstance(stream_id, str) and STREAM_ID.fullmatch(stream_id) else None


def _check_settings(body: JSON, limits: Limits) -> None:
    """Before the validation, which takes longer."""
    sizes = {name: json_bytes(value) for name, value in body.items() if name not in ("input", "type")}
    if sum(sizes.values()) > limits.settings_bytes:
        raise CommandError("settings_too_long", max(sizes, key=lambda name: sizes[name]))


def _check_input(command: Create, limits: Limits) -> None:
    items = command.items()
    if is_empty(items):
        raise CommandError("empty_input", "input", command.stream_id)
    if sum(map(len, texts(items))) > limits.input_chars:
        raise CommandError("input_too_long", "input", command.stream_id)

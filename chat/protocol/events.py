"""What the server sends: OpenAI's Responses streaming events as frozen values, and one encoder.

Source of the format: `openai.types.responses` of the official SDK
(https://platform.openai.com/docs/api-reference/responses-streaming). Every event of a response has a
`sequence_number`, from 0, one more each. `tailrace:` marks our own events; a client may ignore them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from chat.protocol.errors import ProtocolError
from chat.protocol.objects import ContentPart, OutputItem, ResponseObject

JSON = dict[str, Any]
Interruption = Literal["worker_lost", "handed_over"]  # why another attempt begins; the latter in good order


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a response's log."""

    type: ClassVar[str]
    sequence_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole(Event):
    """An event that carries the whole response object, as it is at that moment."""

    response: ResponseObject


class Created(_Whole):
    """The response is accepted."""

    type = "response.created"
    __slots__ = ()


class Queued(_Whole):
    """It waits for a worker."""

    type = "response.queued"
    __slots__ = ()


class InProgress(_Whole):
    """A worker has it."""

    type = "response.in_progress"
    __slots__ = ()


class Completed(_Whole):
    """The end: the answer is whole."""

    type = "response.completed"
    __slots__ = ()


class Incomplete(_Whole):
    """The end: cut off by a limit, or cancelled; see `response.status`."""

    type = "response.incomplete"
    __slots__ = ()


class Failed(_Whole):
    """The end: `response.error` says why; the text so far is kept."""

    type = "response.failed"
    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfItem(Event):
    """An event that carries a whole output item."""

    output_index: int
    item: OutputItem


class OutputItemAdded(_OfItem):
    """An item of the output begins: the reasoning or the message."""

    type = "response.output_item.added"
    __slots__ = ()


class OutputItemDone(_OfItem):
    """An item of the output is whole."""

    type = "response.output_item.done"
    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfPart(Event):
    """An event about the one content part of an item."""

    item_id: str
    output_index: int
    content_index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentPartAdded(_OfPart):
    """The part begins."""

    type: ClassVar[str] = "response.content_part.added"
    part: ContentPart


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentPartDone(_OfPart):
    """The part is whole."""

    type: ClassVar[str] = "response.content_part.done"
    part: ContentPart


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta(_OfPart):
    """More of the message's text."""

    type: ClassVar[str] = "response.output_text.delta"
    delta: str
    logprobs: tuple[()] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDone(_OfPart):
    """The message's text, whole."""

    type: ClassVar[str] = "response.output_text.done"
    text: str
    logprobs: tuple[()] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningDelta(_OfPart):
    """More of the model's reasoning."""

    type: ClassVar[str] = "response.reasoning_text.delta"
    delta: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningDone(_OfPart):
    """The model's reasoning, whole."""

    type: ClassVar[str] = "response.reasoning_text.done"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted(Event):
    """Another attempt begins: the text starts again from zero."""

    type: ClassVar[str] = "tailrace:restarted"
    response_id: str
    attempt: int
    reason: Interruption


@dataclass(frozen=True, slots=True, kw_only=True)
class Continued(Event):
    """Another attempt begins, and goes on where the text stopped."""

    type: ClassVar[str] = "tailrace:continued"
    response_id: str
    attempt: int
    reason: Interruption = "worker_lost"  # logs of the version before have none


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Event):
    """The model's server is busy: it is asked again in `seconds`, at the Unix time `until`.

    `reason` is a key of FAILURES: what the response would have failed with.
    """

    type: ClassVar[str] = "tailrace:waiting"
    response_id: str
    reason: str
    seconds: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Event):
    """The response with its text so far: what came before need not be read.

    `waiting` has the reason, seconds and until of a `tailrace:waiting` that came last.
    """

    type: ClassVar[str] = "tailrace:snapshot"
    response_id: str
    response: ResponseObject
    attempt: int = 1
    waiting: JSON | None = None


Terminal = Completed | Incomplete | Failed
TERMINAL = (Completed, Incomplete, Failed)
EVENTS: Mapping[str, type[Event]] = {
    kind.type: kind
    for kind in (
        Created,
        Queued,
        InProgress,
        OutputItemAdded,
        ContentPartAdded,
        TextDelta,
        TextDone,
        ReasoningDelta,
        ReasoningDone,
        ContentPartDone,
        OutputItemDone,
        *TERMINAL,
        Restarted,
        Continued,
        Waiting,
        Snapshot,
    )
}
_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in EVENTS.values()}
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encode(event: Event) -> str:
    """The event as one JSON text: what stands in the log is what every client gets."""
    return _dumps({"type": event.type} | {name: getattr(event, name) for name in _FIELDS[type(event)]})


def decode(text: str) -> Event:
    """The event that `encode` wrote, here or in a process of another version.

    Fields that this version does not know are left out, and those that it has added since get their defaults.
    Raises ProtocolError for anything else.
    """
    try:
        body = json.loads(text)
        kind = EVENTS[body["type"]]
        known = {name: body[name] for name in _FIELDS[kind] if name in body}
        return kind(**{**known, "logprobs": ()} if "logprobs" in known else known)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = "not an event of a response's log"
        raise ProtocolError(message) from error


_TERMINAL_STARTS = tuple(f'{{"type":"{kind.type}"' for kind in TERMINAL)


def is_terminal(text: str) -> bool:
    """Whether the encoded event ends its response, without parsing it."""
    return text.startswith(_TERMINAL_STARTS)


def up_to_date(response_id: str, latest: int) -> str:
    """The frame that ends a replay: from here on the events are live. Not in the log."""
    return _dumps({"type": "tailrace:up_to_date", "response_id": response_id, "latest": latest})


def heartbeat(response_id: str, latest: int) -> str:
    """The frame that says "still there" while no event comes. Not in the log."""
    return _dumps({"type": "tailrace:heartbeat", "response_id": response_id, "latest": latest})


def queue(response_id: str, position: int) -> str:
    """The frame that says how many responses wait before this one. Not in the log."""
    return _dumps({"type": "tailrace:queue", "response_id": response_id, "position": position})


def conversation_changed(conversation: JSON, response: JSON | None) -> str:
    """The frame of a changed conversation, and of the response that changed it, if any."""
    return _dumps({"type": "tailrace:conversation", "conversation": conversation, "response": response})


def with_stream_id(text: str, stream_id: str) -> str:
    """The encoded event with a `stream_id`, without parsing it."""
    return f'{{"stream_id":{json.dumps(stream_id)},{text[1:]}'

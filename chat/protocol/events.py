"""OpenAI's Responses streaming events as frozen values, and one encoder.

Format: `openai.types.responses` (https://platform.openai.com/docs/api-reference/responses-streaming).
`tailrace:` marks our own events; a client may ignore them.

`sequence_number` starts at 0 and rises by one. Only a `tailrace:snapshot` breaks the sequence: after Redis
lost a log its number may be far ahead or behind.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

from chat.protocol.errors import ProtocolError
from chat.protocol.objects import ContentPart, OutputItem, ResponseObject

JSON = dict[str, Any]
Interruption = Literal["worker_lost", "handed_over"]  # why the previous attempt stopped; the latter: planned


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of a response's log."""

    type: ClassVar[str]
    sequence_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole(Event):
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
    """A worker has claimed it."""

    type = "response.in_progress"
    __slots__ = ()


class Completed(_Whole):
    """Terminal: the answer is complete."""

    type = "response.completed"
    __slots__ = ()


class Incomplete(_Whole):
    """Terminal: cut off by a limit, or cancelled: see `response.status`."""

    type = "response.incomplete"
    __slots__ = ()


class Failed(_Whole):
    """Terminal: `response.error` has the reason; the text is kept."""

    type = "response.failed"
    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfItem(Event):
    output_index: int
    item: OutputItem


class OutputItemAdded(_OfItem):
    """An item begins."""

    type = "response.output_item.added"
    __slots__ = ()


class OutputItemDone(_OfItem):
    """An output item is complete."""

    type = "response.output_item.done"
    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfPart(Event):
    """An event of an item's part."""

    item_id: str
    output_index: int
    content_index: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentPartAdded(OfPart):
    """The part begins."""

    type: ClassVar[str] = "response.content_part.added"
    part: ContentPart


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentPartDone(OfPart):
    """The part is complete."""

    type: ClassVar[str] = "response.content_part.done"
    part: ContentPart


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta(OfPart):
    """More message text."""

    type: ClassVar[str] = "response.output_text.delta"
    delta: str
    logprobs: tuple[()] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDone(OfPart):
    """The complete message text."""

    type: ClassVar[str] = "response.output_text.done"
    text: str
    logprobs: tuple[()] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningDelta(OfPart):
    """More reasoning text."""

    type: ClassVar[str] = "response.reasoning_text.delta"
    delta: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningDone(OfPart):
    """The complete reasoning text."""

    type: ClassVar[str] = "response.reasoning_text.done"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalDelta(OfPart):
    """More of the model's refusal."""

    type: ClassVar[str] = "response.refusal.delta"
    delta: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalDone(OfPart):
    """The complete refusal."""

    type: ClassVar[str] = "response.refusal.done"
    refusal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfCall(Event):
    item_id: str
    output_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDelta(_OfCall):
    """More of a function call's arguments."""

    type: ClassVar[str] = "response.function_call_arguments.delta"
    delta: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDone(_OfCall):
    """The complete arguments."""

    type: ClassVar[str] = "response.function_call_arguments.done"
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted(Event):
    """Another attempt begins without output; its items have the next places.

    `omitted_turns`: of its prompt; `dropped_calls`: function calls that began and never end.
    """

    type: ClassVar[str] = "tailrace:restarted"
    response_id: str
    attempt: int
    reason: Interruption
    omitted_turns: int = 0
    dropped_calls: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Continued(Event):
    """Another attempt begins and continues the text."""

    type: ClassVar[str] = "tailrace:continued"
    response_id: str
    attempt: int
    reason: Interruption = "worker_lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Event):
    """The model's server is busy: next request in `seconds`, at Unix time `until`.

    `reason`: the key of FAILURES that a failed response would have.
    """

    type: ClassVar[str] = "tailrace:waiting"
    response_id: str
    reason: str
    seconds: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Event):
    """The response so far; replaces all earlier events.

    `waiting`: reason, seconds and until of a latest `tailrace:waiting`. `first_index`: of the first item.
    """

    type: ClassVar[str] = "tailrace:snapshot"
    response_id: str
    response: ResponseObject
    attempt: int = 1
    waiting: JSON | None = None
    first_index: int = 0


Terminal = Completed | Incomplete | Failed
TERMINAL = (Completed, Incomplete, Failed)
TERMINAL_OF: Mapping[str, type[Terminal]] = {  # by the status of the response
    "completed": Completed,
    "incomplete": Incomplete,
    "failed": Failed,
    "cancelled": Incomplete,
}
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
        RefusalDelta,
        RefusalDone,
        CallDelta,
        CallDone,
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
    """Encode once: the log and every client get this JSON."""
    return _dumps({"type": event.type} | {name: getattr(event, name) for name in _FIELDS[type(event)]})


def decode(text: str) -> Event:
    """Decode an event of this or another version.

    Unknown fields are dropped, missing new ones get defaults. Raises ProtocolError for anything else.
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
    """Whether an encoded event is terminal, unparsed."""
    return text.startswith(_TERMINAL_STARTS)

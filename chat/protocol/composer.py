"""Builds the next events of a response from its state. Pure: nothing changes before the events are applied.

arrow in: what a worker has to say · arrow out: events for the log, numbered from `state.next`
"""

from dataclasses import asdict, dataclass
from typing import Literal

from chat.protocol.errors import FAILURES
from chat.protocol.events import (
    JSON,
    Completed,
    ContentPartAdded,
    ContentPartDone,
    Continued,
    Created,
    Event,
    Failed,
    Incomplete,
    InProgress,
    Interruption,
    OutputItemAdded,
    OutputItemDone,
    Queued,
    ReasoningDelta,
    ReasoningDone,
    Restarted,
    Terminal,
    TextDelta,
    TextDone,
    Waiting,
)
from chat.protocol.objects import ResponseObject
from chat.protocol.output import Item, Kind
from chat.protocol.state import EPOCH_SIZE, ResponseState, Wait


@dataclass(frozen=True, slots=True)
class Ending:
    """How a response ends. `at` is in Unix seconds; `error_code` is a key of FAILURES."""

    status: Literal["completed", "incomplete", "failed", "cancelled"]
    at: float
    error_code: str | None = None
    incomplete_reason: Literal["max_output_tokens", "content_filter"] | None = None
    usage: JSON | None = None


def opening(response: ResponseObject, attempts: int = 0) -> list[Event]:
    """The events that open a log. `attempts` have written in the log that this one replaces.

    Numbering starts above anything that they can have used, so a stale writer is rejected.
    """
    first = attempts * EPOCH_SIZE
    return [
        Created(sequence_number=first, response=response),
        Queued(sequence_number=first + 1, response=response),
    ]


def start_attempt(
    state: ResponseState, attempt: int, *, resume: bool = False, reason: Interruption = "worker_lost"
) -> list[Event]:
    """A worker starts. A later attempt drops the text so far, or continues it if the model can `resume`.

    `reason`: why the attempt before stopped.
    """
    number = state.next
    if attempt > 1 and resume and state.text() and not state.text("reasoning"):
        return [Continued(sequence_number=number, response_id=state.id, attempt=attempt, reason=reason)]
    events: list[Event] = []
    if attempt > 1:
        restarted = Restarted(sequence_number=number, response_id=state.id, attempt=attempt, reason=reason)
        events.append(restarted)
    response: ResponseObject = state.base | {"status": "in_progress", "output": []}
    return [*events, InProgress(sequence_number=number + len(events), response=response)]


def append(state: ResponseState, text: str = "", reasoning: str = "") -> list[Event]:
    """More text arrived: the deltas, each after the events that open its item."""
    events: list[Event] = []
    items = len(state.items)
    pieces: dict[Kind, str] = {"reasoning": reasoning, "message": text}
    for kind, piece in pieces.items():
        if piece:
            item = state.find(kind)
            if item is None:
                item = Item.new(state.id, kind, items)
                items += 1
                events += _open(item, state.next + len(events))
            events.append(_delta(item, piece, state.next + len(events)))
    return events


def wait(state: ResponseState, pause: Wait) -> Event:
    """The model's server asked for a pause."""
    return Waiting(sequence_number=state.next, response_id=state.id, **asdict(pause))


def finish(state: ResponseState, ending: Ending) -> tuple[list[Event], Terminal]:
    """The response ends: what closes its items, if it ended well, and the one terminal event."""
    events: list[Event] = []
    if ending.status in ("completed", "incomplete"):
        for item in state.items:
            events += _close(item, ending.status, state.next + len(events))
    kinds: dict[str, type[Terminal]] = {"completed": Completed, "failed": Failed}
    terminal = kinds.get(ending.status, Incomplete)
    return events, terminal(sequence_number=state.next + len(events), response=final_object(state, ending))


def final_object(state: ResponseState, ending: Ending) -> ResponseObject:
    """The response object of a response that ends so."""
    final = state.response(ending.status)
    final["usage"] = ending.usage
    if ending.status == "completed":
        final["completed_at"] = ending.at
    if ending.error_code is not None:
        final["error"] = {"code": ending.error_code, "message": FAILURES[ending.error_code]}
    if ending.incomplete_reason is not None:
        final["incomplete_details"] = {"reason": ending.incomplete_reason}
    return final


def _open(item: Item, number: int) -> list[Event]:
    part = item.part("")
    return [
        OutputItemAdded(sequence_number=number, output_index=item.index, item=item.as_object("in_progress")),
        ContentPartAdded(sequence_number=number + 1, item_id=item.id, output_index=item.index, part=part),
    ]


def _delta(item: Item, piece: str, number: int) -> Event:
    kind = ReasoningDelta if item.kind == "reasoning" else TextDelta
    return kind(sequence_number=number, item_id=item.id, output_index=item.index, delta=piece)


def _close(item: Item, status: str, number: int) -> list[Event]:
    kind = ReasoningDone if item.kind == "reasoning" else TextDone
    text, part = item.text, item.part(item.text)
    return [
        kind(sequence_number=number, item_id=item.id, output_index=item.index, text=text),
        ContentPartDone(sequence_number=number + 1, item_id=item.id, output_index=item.index, part=part),
        OutputItemDone(sequence_number=number + 2, output_index=item.index, item=item.as_object(status)),
    ]

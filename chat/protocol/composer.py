"""Compose a response's next events from its state, without changing it."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from chat.protocol import events
from chat.protocol.errors import FAILURES
from chat.protocol.objects import ResponseObject
from chat.protocol.output import Item, Kind
from chat.protocol.state import EPOCH_SIZE, ResponseState, Wait


@dataclass(frozen=True, slots=True)
class Ending:
    """How a response ends. `at`: Unix seconds; `error_code`: a key of FAILURES."""

    status: Literal["completed", "incomplete", "failed", "cancelled"]
    at: float
    error_code: str | None = None
    incomplete_reason: Literal["max_output_tokens", "content_filter"] | None = None
    usage: events.JSON | None = None


def opening(response: ResponseObject, attempts: int = 0) -> list[events.Event]:
    """The events that open a log; `attempts` wrote to the log it replaces.

    Numbers start above all that these can have used: a stale writer is rejected.
    """
    first = attempts * EPOCH_SIZE
    return [
        events.Created(sequence_number=first, response=response),
        events.Queued(sequence_number=first + 1, response=response),
    ]


def start_attempt(
    state: ResponseState,
    attempt: int,
    *,
    resume: bool = False,
    reason: events.Interruption = "worker_lost",
    omitted_turns: int = 0,
) -> list[events.Event]:
    """The events of a new attempt. A later one drops the text, or continues it if the model can `resume`.

    `reason`: why the previous attempt stopped; `omitted_turns`: of the prompt.
    """
    number, response_id = state.next, state.id
    response: ResponseObject = state.base | {"status": "in_progress", "output": []}
    response.pop("tailrace", None)  # of an earlier attempt
    if omitted_turns:
        response["tailrace"] = {"omitted_turns": omitted_turns}
    if attempt == 1:
        return [events.InProgress(sequence_number=number, response=response)]
    resumed = resume and state.text() and not state.text("reasoning")
    kind = events.Continued if resumed else events.Restarted
    again = kind(sequence_number=number, response_id=response_id, attempt=attempt, reason=reason)
    return [again] if resumed else [again, events.InProgress(sequence_number=number + 1, response=response)]


def append(state: ResponseState, text: str = "", reasoning: str = "") -> list[events.Event]:
    """Deltas of new text; the first of an item follows the events that open it."""
    composed: list[events.Event] = []
    items = len(state.items)
    pieces: dict[Kind, str] = {"reasoning": reasoning, "message": text}
    for kind, piece in pieces.items():
        if piece:
            item = state.find(kind)
            if item is None:
                item = Item.new(state.id, kind, items)
                items += 1
                composed += _open(item, state.next + len(composed))
            composed.append(_delta(item, piece, state.next + len(composed)))
    return composed


def wait(state: ResponseState, pause: Wait) -> events.Event:
    """The model's server requested a pause."""
    return events.Waiting(sequence_number=state.next, response_id=state.id, **asdict(pause))


def finish(state: ResponseState, ending: Ending) -> tuple[list[events.Event], events.Terminal]:
    """The terminal event, after the events that close the items of a completed or incomplete response."""
    composed: list[events.Event] = []
    if ending.status in ("completed", "incomplete"):
        for item in state.items:
            composed += _close(item, ending.status, state.next + len(composed))
    kinds: dict[str, type[events.Terminal]] = {"completed": events.Completed, "failed": events.Failed}
    terminal, number = kinds.get(ending.status, events.Incomplete), state.next + len(composed)
    return composed, terminal(sequence_number=number, response=final_object(state, ending))


def final_object(state: ResponseState, ending: Ending) -> ResponseObject:
    """The final response object."""
    final = state.response(ending.status)
    final["usage"] = ending.usage
    if ending.status == "completed":
        final["completed_at"] = ending.at
    if ending.error_code is not None:
        final["error"] = {"code": ending.error_code, "message": FAILURES[ending.error_code]}
    if ending.incomplete_reason is not None:
        final["incomplete_details"] = {"reason": ending.incomplete_reason}
    return final


def _open(item: Item, number: int) -> list[events.Event]:
    added, of_part = item.as_object("in_progress"), _place(item)
    return [
        events.OutputItemAdded(sequence_number=number, output_index=item.index, item=added),
        events.ContentPartAdded(sequence_number=number + 1, part=item.part(""), **of_part),
    ]


def _delta(item: Item, piece: str, number: int) -> events.Event:
    kind = events.ReasoningDelta if item.kind == "reasoning" else events.TextDelta
    return kind(sequence_number=number, delta=piece, **_place(item))


def _close(item: Item, status: str, number: int) -> list[events.Event]:
    kind = events.ReasoningDone if item.kind == "reasoning" else events.TextDone
    done, of_part = item.as_object(status), _place(item)
    return [
        kind(sequence_number=number, text=item.text, **of_part),
        events.ContentPartDone(sequence_number=number + 1, part=item.part(item.text), **of_part),
        events.OutputItemDone(sequence_number=number + 2, output_index=item.index, item=done),
    ]


def _place(item: Item) -> dict[str, Any]:
    return {"item_id": item.id, "output_index": item.index}

"""Compose a response's next events from its state."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

from chat.ids import CALL, bare, item_prefix
from chat.protocol import events
from chat.protocol.errors import FAILURES
from chat.protocol.inputs import MAX_ID_CHARS
from chat.protocol.objects import ResponseObject
from chat.protocol.output import (
    ITEM_OF,
    PART_OF,
    CallItem,
    Item,
    ItemStatus,
    OtherItem,
    TextItem,
    item_id,
    other_item,
)
from chat.protocol.pieces import CallPart, ItemPart, Part, Piece, joined
from chat.protocol.script import Script
from chat.protocol.state import EPOCH_SIZE, ResponseState, Wait, with_omitted_turns


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
    queued: ResponseObject = response | {"status": "queued", "output": []}
    return [
        events.Created(sequence_number=first, response=queued),
        events.Queued(sequence_number=first + 1, response=queued),
    ]


def start_attempt(
    state: ResponseState,
    attempt: int,
    *,
    resume: bool = False,
    exact: bool = False,
    reason: events.Interruption = "worker_lost",
    omitted_turns: int = 0,
) -> list[events.Event]:
    """The events of a new attempt. A later one drops the output, or continues it if the model can `resume`.

    `response.in_progress` comes once: readers take a second one for another response. Dropped items are
    closed, as readers would miss their ends; dropped calls are not, as a client would run them. `exact`: the
    server continues this very output, whatever its items. `reason`: why the previous attempt stopped;
    `omitted_turns`: of the prompt.
    """
    script = Script(state.next)
    continues = bool(state.items) if exact else resume and state.resumable
    if attempt > 1 and continues:
        script.add(events.Continued, response_id=state.id, attempt=attempt, reason=reason)
    elif attempt > 1:
        for item in state.items:
            if item.closed is None and not isinstance(item, CallItem):
                script.close(item, "incomplete")
        again = {"response_id": state.id, "attempt": attempt, "reason": reason}
        dropped = len(state.calls)
        script.add(events.Restarted, **again, omitted_turns=omitted_turns, dropped_calls=dropped)
    if state.base["status"] == "queued":
        response: ResponseObject = state.base | {"status": "in_progress", "output": []}
        script.add(events.InProgress, response=with_omitted_turns(response, omitted_turns))
    return script.written


def append(state: ResponseState, parts: list[Part]) -> list[events.Event]:
    """The events of new parts, which are applied to the state."""
    script = Script(state.next, state)
    for part in joined(parts):
        if isinstance(part, CallPart):
            _append_call(script, state, part)
        elif isinstance(part, ItemPart):
            _append_item(script, state, part)
        elif part.text:
            _append_text(script, state, part)
    return script.written


def wait(state: ResponseState, pause: Wait) -> events.Event:
    """The model's server requested a pause."""
    return events.Waiting(sequence_number=state.next, response_id=state.id, **asdict(pause))


def finish(state: ResponseState, ending: Ending) -> tuple[list[events.Event], events.Terminal]:
    """The terminal event, after the events that close the items of a completed or incomplete response.

    A function call is closed only here: a client runs it then. One in which an answer was cut is not.
    """
    script = Script(state.next)
    statuses = _final_statuses(state, ending)
    if ending.status in ("completed", "incomplete"):
        for item, status in zip(state.items, statuses, strict=True):
            is_open = item.closed is None and (isinstance(item, TextItem) or status == "completed")
            if is_open:
                script.close(item, status)
    terminal = events.TERMINAL_OF[ending.status]
    return script.written, terminal(sequence_number=script.next, response=final_object(state, ending))


def final_object(state: ResponseState, ending: Ending) -> ResponseObject:
    """The final response object."""
    statuses = _final_statuses(state, ending)
    output = [item.as_object(status) for item, status in zip(state.items, statuses, strict=True)]
    final: ResponseObject = state.base | {"status": ending.status, "output": output, "usage": ending.usage}
    if ending.status == "completed":
        final["completed_at"] = int(ending.at)
    if ending.error_code is not None:
        final["error"] = {"code": ending.error_code, "message": FAILURES[ending.error_code]}
    if ending.incomplete_reason is not None:
        final["incomplete_details"] = {"reason": ending.incomplete_reason}
    return final


def _append_text(script: Script, state: ResponseState, piece: Piece) -> None:
    item, part_type = state.open_text, PART_OF[piece.kind]
    if item is not None and item.kind != ITEM_OF[piece.kind]:
        script.close(item, "completed")
        item = None
    if item is None:
        kind, index = ITEM_OF[piece.kind], state.next_index
        script.open(TextItem(kind, item_id(kind, state.id, index), index))
        item = state.open_text
        assert item is not None  # it has just been opened
    if not item.parts or item.parts[-1].type != part_type:
        if item.parts:
            script.close_part(item, len(item.parts) - 1)
        script.open_part(item, len(item.parts), part_type)
    script.add_text(item, len(item.parts) - 1, piece.text)


def _append_call(script: Script, state: ResponseState, part: CallPart) -> None:
    calls = state.calls
    if part.index >= len(calls):
        if state.open_text is not None:
            script.close(state.open_text, "completed")
        index = state.next_index
        own_id = item_id("function_call", state.id, index)
        own = f"{CALL}_{bare(item_prefix(CallItem.kind), own_id)}"
        call_id = part.id if _is_usable(part.id, calls) else own
        script.open(CallItem(own_id, index, call_id, part.name))
        calls = state.calls
    if part.arguments:
        script.add_arguments(calls[part.index], part.arguments)


def _is_usable(call_id: str, calls: list[CallItem]) -> bool:
    """Whether a client can send a server's id back, and it names one call."""
    return 0 < len(call_id) <= MAX_ID_CHARS and call_id not in {call.call_id for call in calls}


def _append_item(script: Script, state: ResponseState, part: ItemPart) -> None:
    if part.index >= len(state.others):
        if state.open_text is not None:
            script.close(state.open_text, "completed")
        own_id = item_id(part.body["type"], state.id, state.next_index)
        script.open(OtherItem(own_id, state.next_index, other_item(part.body, own_id)))
    item = state.others[min(part.index, len(state.others) - 1)]
    if part.done and item.closed is None:
        done = other_item(part.body, item.id)
        script.add(events.OutputItemDone, output_index=item.index, item=done)


def _final_statuses(state: ResponseState, ending: Ending) -> list[ItemStatus]:
    return [item.closed or _final_status(item, state, ending) for item in state.items]


def _final_status(item: Item, state: ResponseState, ending: Ending) -> ItemStatus:
    """A call in an answer that was cut is whole if an item follows or its arguments are a JSON object."""
    if ending.status == "incomplete" and isinstance(item, CallItem):
        is_whole = item is not state.items[-1] or _is_object(item.arguments)
    else:
        is_whole = ending.status == "completed"
    return "completed" if is_whole else "incomplete"


def _is_object(arguments: str) -> bool:
    """Whether it is a JSON object: the beginning of one never is."""
    try:
        return isinstance(json.loads(arguments), dict)
    except (ValueError, RecursionError):
        return False

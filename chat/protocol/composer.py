"""Compose a response's next events from its state."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from chat.protocol import events
from chat.protocol.errors import FAILURES
from chat.protocol.objects import OutputItem, ResponseObject
from chat.protocol.output import (
    ITEM_OF,
    PART_OF,
    CallItem,
    Item,
    ItemStatus,
    OtherItem,
    TextItem,
    content_part,
    item_id,
    other_item,
)
from chat.protocol.pieces import CallPart, ItemPart, Part, Piece, joined
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

    `response.in_progress` comes once: readers take a second one for another response. Dropped texts are
    closed, as readers would miss their ends; dropped calls are not, as a client would run them. `exact`: the
    server continues this very output, whatever its items. `reason`: why the previous attempt stopped;
    `omitted_turns`: of the prompt.
    """
    script = _Script(state.next)
    continues = bool(state.items) if exact else resume and state.resumable
    if attempt > 1 and continues:
        script.add(events.Continued, response_id=state.id, attempt=attempt, reason=reason)
    elif attempt > 1:
        if state.open_text is not None:
            _close_text(script, state.open_text, "incomplete")
        again = {"response_id": state.id, "attempt": attempt, "reason": reason}
        script.add(events.Restarted, **again, omitted_turns=omitted_turns)
    if state.base["status"] == "queued":
        response: ResponseObject = state.base | {"status": "in_progress", "output": []}
        script.add(events.InProgress, response=with_omitted_turns(response, omitted_turns))
    return script.written


def append(state: ResponseState, parts: list[Part]) -> list[events.Event]:
    """The events of new parts, which are applied to the state."""
    script = _Script(state.next, state)
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

    A function call is closed only here: a client runs it then. The last one of an answer that was cut is not.
    """
    script = _Script(state.next)
    statuses = _final_statuses(state, ending)
    if ending.status in ("completed", "incomplete"):
        for item, status in zip(state.items, statuses, strict=True):
            if isinstance(item, TextItem) and item.closed is None:
                _close_text(script, item, status)
            elif isinstance(item, CallItem) and status == "completed":
                _close_call(script, item)
            elif isinstance(item, OtherItem) and item.closed is None and status == "completed":
                _close_item(script, item, item.as_object(status))
    kinds: dict[str, type[events.Terminal]] = {"completed": events.Completed, "failed": events.Failed}
    terminal = kinds.get(ending.status, events.Incomplete)
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


@dataclass(slots=True)
class _Script:
    """Events in the making, numbered from `next`; with a `state`, each is applied to it."""

    next: int
    state: ResponseState | None = None
    written: list[events.Event] = field(default_factory=list)

    def add(self, kind: type[events.Event], **fields: Any) -> None:
        event = kind(sequence_number=self.next, **fields)
        self.next += 1
        self.written.append(event)
        if self.state is not None:
            self.state.apply(event)


def _append_text(script: _Script, state: ResponseState, piece: Piece) -> None:
    item, part_type = state.open_text, PART_OF[piece.kind]
    if item is not None and item.kind != ITEM_OF[piece.kind]:
        _close_text(script, item, "completed")
        item = None
    if item is None:
        kind, index = ITEM_OF[piece.kind], state.next_index
        _open(script, TextItem(kind, item_id(kind, state.id, index), index))
        item = state.open_text
        assert item is not None  # it has just been opened
    if not item.parts or item.parts[-1].type != part_type:
        if item.parts:
            _close_part(script, item)
        place = _place(item) | {"content_index": len(item.parts)}
        script.add(events.ContentPartAdded, part=content_part(part_type, ""), **place)
    deltas = {"output_text": events.TextDelta, "reasoning_text": events.ReasoningDelta}
    kind_of_delta = deltas.get(part_type, events.RefusalDelta)
    script.add(kind_of_delta, delta=piece.text, content_index=len(item.parts) - 1, **_place(item))


def _append_call(script: _Script, state: ResponseState, part: CallPart) -> None:
    calls = state.calls
    if part.index >= len(calls):
        if state.open_text is not None:
            _close_text(script, state.open_text, "completed")
        index, known = state.next_index, {call.call_id for call in calls}
        own_id = item_id("function_call", state.id, index)
        call_id = part.id if part.id and part.id not in known else own_id.replace("fc_", "call_", 1)
        _open(script, CallItem(own_id, index, call_id, part.name))
        calls = state.calls
    if part.arguments:
        script.add(events.CallDelta, delta=part.arguments, **_place(calls[part.index]))


def _append_item(script: _Script, state: ResponseState, part: ItemPart) -> None:
    if part.index >= len(state.others):
        if state.open_text is not None:
            _close_text(script, state.open_text, "completed")
        own_id = item_id(part.body["type"], state.id, state.next_index)
        _open(script, OtherItem(own_id, state.next_index, other_item(part.body, own_id, done=False)))
    item = state.others[min(part.index, len(state.others) - 1)]
    if part.done and item.closed is None:
        _close_item(script, item, other_item(part.body, item.id, done=True))


def _open(script: _Script, item: Item) -> None:
    script.add(events.OutputItemAdded, output_index=item.index, item=item.as_object("in_progress"))


def _close_text(script: _Script, item: TextItem, status: ItemStatus) -> None:
    if item.parts:
        _close_part(script, item)
    script.add(events.OutputItemDone, output_index=item.index, item=item.as_object(status))


def _close_part(script: _Script, item: TextItem) -> None:
    part, place = item.parts[-1], _place(item) | {"content_index": len(item.parts) - 1}
    match part.type:
        case "refusal":
            script.add(events.RefusalDone, refusal=part.text, **place)
        case "reasoning_text":
            script.add(events.ReasoningDone, text=part.text, **place)
        case _:
            script.add(events.TextDone, text=part.text, **place)
    script.add(events.ContentPartDone, part=part.as_object(), **place)


def _close_call(script: _Script, item: CallItem) -> None:
    script.add(events.CallDone, name=item.name, arguments=item.arguments, **_place(item))
    script.add(events.OutputItemDone, output_index=item.index, item=item.as_object("completed"))


def _close_item(script: _Script, item: OtherItem, body: OutputItem) -> None:
    script.add(events.OutputItemDone, output_index=item.index, item=body)


def _final_statuses(state: ResponseState, ending: Ending) -> list[ItemStatus]:
    whole: dict[str, list[Item]] = {"completed": state.items, "incomplete": [*state.calls[:-1]]}
    ids = {item.id for item in whole.get(ending.status, [])}
    return [item.closed or ("completed" if item.id in ids else "incomplete") for item in state.items]


def _place(item: Item) -> dict[str, Any]:
    return {"item_id": item.id, "output_index": item.index}

"""Replay a snapshot as the events that a log of the response would have. Pure."""

from dataclasses import replace

from chat.protocol.composer import opening
from chat.protocol.events import TERMINAL_OF, Event, InProgress, Snapshot
from chat.protocol.objects import ResponseObject
from chat.protocol.output import CallItem, Item, OtherItem, TextItem
from chat.protocol.script import Script
from chat.protocol.state import EPOCH_SIZE, ResponseState

LAST_OPENING = 2  # created, queued and in progress have the same numbers in each replay and most logs


def replay(snapshot: Snapshot) -> list[Event]:
    """The events of an ended or live response, from `response.created`, with one delta for each text.

    They are numbered from 0, and the items from place 0. The events after the last delta of an ended
    response are numbered up to the snapshot's number, the terminal event's: a reader that drops numbers up to
    its cursor gets no text twice, and always the end. To the events of a live response those after the
    snapshot can be added, their `output_index` less the snapshot's `first_index`.
    """
    response, number = snapshot.response, snapshot.sequence_number
    ended = response["status"] in TERMINAL_OF
    state = ResponseState.fold([replace(snapshot, first_index=0)])
    base: ResponseObject = state.base | {"completed_at": None, "incomplete_details": None}
    script, closing = Script(LAST_OPENING, written=opening(base)), Script(0)
    if response["status"] != "queued" and not (ended and number % EPOCH_SIZE == LAST_OPENING):
        script.add(InProgress, response=base | {"status": "in_progress"})
    for item in state.items:
        _write(script, item)
        if _is_done(item, response):
            is_last_text = item is state.items[-1] and isinstance(item, TextItem)
            closes_last = is_last_text or isinstance(item, CallItem)
            (closing if closes_last else script).close(item, "completed")
    if ended:
        closing.add(TERMINAL_OF[response["status"]], response=response)
    first = max(script.next, number + 1 - closing.next) if ended else script.next
    return script.written + [
        replace(event, sequence_number=first + event.sequence_number) for event in closing.written
    ]


def _write(script: Script, item: Item) -> None:
    """An item up to its last delta."""
    script.open(item)
    if isinstance(item, CallItem) and item.arguments:
        script.add_arguments(item, item.arguments)
    elif isinstance(item, TextItem):
        for at, part in enumerate(item.parts):
            if at:
                script.close_part(item, at - 1)
            script.open_part(item, at, part.type)
            if part.text:
                script.add_text(item, at, part.text)


def _is_done(item: Item, response: ResponseObject) -> bool:
    """Whether a log would have the item's end; after a failure or Stop an incomplete one has none.

    A tool's item that was open at the end of an answer has failed in its object, and no end.
    """
    if isinstance(item, OtherItem) and item.body.get("status") == "failed":
        return response["status"] == "completed" or response["status"] not in TERMINAL_OF
    if item.closed == "incomplete" and response["status"] in TERMINAL_OF:
        return isinstance(item, TextItem) and response["status"] in ("completed", "incomplete")
    return item.closed is not None

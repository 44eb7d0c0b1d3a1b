"""The object of a response as it is now: of a live one from its log, with the text so far."""

import asyncio

from chat.models import Response
from chat.protocol.events import decode, is_terminal
from chat.protocol.objects import ResponseObject
from chat.protocol.state import ResponseState
from chat.responses.representation import response_object
from chat.transport.event_log import Log

FRESH_SECS = 1  # readers within it share one reading: a long log takes 0.3 s of a core

_readings: dict[str, asyncio.Task[ResponseObject | None]] = {}  # of this second


async def current_object(row: Response, log: Log) -> ResponseObject:
    """The response object; its text is at most FRESH_SECS old. Raises LogError.

    An end is never older: who has read it in a stream finds it, although the row follows the log.
    """
    if not row.live:
        return response_object(row)
    last = (await log.lasts([row.wire_id])).get(row.wire_id)
    if last is not None and is_terminal(last.event):
        ended: ResponseObject = decode(last.event).response  # type: ignore[attr-defined]  # each end has it
        return ended
    return (await _shared(row.wire_id, log) if row.attempt > 0 else None) or response_object(row)


async def _shared(response_id: str, log: Log) -> ResponseObject | None:
    loop, reading = asyncio.get_running_loop(), _readings.get(response_id)
    if reading is None or reading.get_loop() is not loop:
        reading = _readings[response_id] = asyncio.create_task(_folded(response_id, log))
        loop.call_later(FRESH_SECS, _readings.pop, response_id, None)
    return await asyncio.shield(reading)


async def _folded(response_id: str, log: Log) -> ResponseObject | None:
    """None: the log is lost."""
    events = [entry.event for entry in await log.read(response_id)]
    return await asyncio.to_thread(_fold, events) if events else None


def _fold(events: list[str]) -> ResponseObject:
    return ResponseState.fold(list(map(decode, events))).snapshot().response

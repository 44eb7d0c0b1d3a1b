"""The one way in which a response ends, for the worker, for Stop and for whoever cleans up.

Whoever appends the terminal event to the log first has ended the response. Only then is the outcome
copied to the row, and only from the log; a crash in between loses nothing.
"""

from dataclasses import replace

from channels.db import database_sync_to_async

from chat.conversations.announcements import announce_response
from chat.models import LIVE, Response
from chat.protocol.events import JSON, encode
from chat.protocol.state import Ending, ResponseState, opening
from chat.transport.event_log import Append, Batch, Log
from chat.transport.notifications import notify_readers, notify_workers_to_cancel


async def conclude(log: Log, draft: ResponseState, ending: Ending, *, fenced: bool = True) -> JSON | None:
    """Append the end to the log of `draft`.

    1. Append what closes the response; if another writer was there first, take in what it wrote, which is
       little, and try again; if Redis lost the log, or its latest events, restore it with text and end.
    2. Hint at it.
    Returns the final response object, which may be another writer's; None when a later attempt has it by
    now and `fenced` is not lifted.
    """
    response_id, attempt = str(draft.base["id"]), draft.attempt
    at: ResponseState | None = draft
    while at is not None and at.ended is None and (not fenced or at.attempt == attempt):
        closed = at.copy()
        events = closed.close(ending)
        batch = Batch(response_id, at.next, [encode(event) for event in events])
        outcome = await log.append(batch, last=True)
        if outcome is Append.GAP and await _restored(log, at, batch):
            outcome = Append.APPENDED
        if outcome is Append.APPENDED:
            await notify_readers([batch])
            return closed.ended
        at = await log.later(at)
    return at.ended if at else None


async def _restored(log: Log, at: ResponseState, batch: Batch) -> bool:
    """Restore what Redis lost, with all that came before the batch; not over a later attempt."""
    logged = await log.draft(batch.response_id)
    if logged is not None and logged.attempt > at.attempt:
        return False
    whole = replace(batch, first=batch.first - 1, events=[encode(at.snapshot()), *batch.events])
    return await log.restore(whole, last=True)


async def end(log: Log, response_id: str, ending: Ending, *, attempt: int | None = None) -> JSON | None:
    """End a response from outside its generation, whoever has it; with `attempt`, only if no later one has.

    1. Conclude its log. 2. Tell the workers: whoever writes it stops. 3. Settle its row, and tell its owner.
    Returns the final response object, or None if there was nothing to end.
    """
    draft = await log.draft(response_id) or await _begun_again(log, response_id)
    if draft is None or (attempt is not None and draft.attempt > attempt):
        return None
    final = await conclude(log, draft, ending, fenced=attempt is not None)
    if final is not None:
        await notify_workers_to_cancel(response_id)
        if await database_sync_to_async(Response.objects.finish, thread_sensitive=False)(final):
            await announce_response(final)
    return final


async def _begun_again(log: Log, response_id: str) -> ResponseState | None:
    """Begin the log of a live row again when Redis lost it: nobody who knew that one can write in it."""
    row: Response | None = await database_sync_to_async(_live_row, thread_sensitive=False)(response_id)
    if row is not None:
        await log.create(response_id, opening(row.wire(), row.attempt))
    return await log.draft(response_id)


def _live_row(response_id: str) -> Response | None:
    return Response.objects.filter(pk=response_id, status__in=LIVE).first()

"""The one way in which a response ends, for the worker, for Stop and for whoever cleans up.

Whoever appends the terminal event to the log first has ended the response. Only then is the outcome
copied to the row, and only from the log; a crash in between loses nothing.
"""

from channels.db import database_sync_to_async

from chat.hints import tell_readers, tell_workers_to_cancel
from chat.log import Append, Batch, Log
from chat.models import Response
from chat.protocol.draft import Draft, Ending
from chat.protocol.events import JSON, encode


async def conclude(log: Log, draft: Draft, ending: Ending, *, fenced: bool = True) -> JSON | None:
    """Append the end to the log of `draft`.

    1. Append what closes the response; if another writer was there first, look what it wrote; if Redis
       lost the log, begin one that holds the text and the end.
    2. Hint at it.
    Returns the final response object, which may be another writer's; None when a later attempt has it by
    now and `fenced` is not lifted.
    """
    response_id, attempt = str(draft.base["id"]), draft.attempt
    at: Draft | None = draft
    while at is not None and at.ended is None and (not fenced or at.attempt == attempt):
        first, so_far = at.next, at.snapshot()
        events = at.close(ending)
        batch = Batch(response_id, first, [encode(event) for event in events])
        outcome = await log.append(batch, last=True)
        if outcome is Append.MISSING and await log.create(response_id, [so_far, *events], last=True):
            outcome = Append.DONE
        if outcome is Append.DONE:
            await tell_readers([batch])
            return at.ended
        at = await log.draft(response_id)  # another process got there first
    return at.ended if at else None


async def end(log: Log, response_id: str, ending: Ending, *, fenced: bool = False) -> JSON | None:
    """End a response from outside its worker, whichever attempt has it; if `fenced`, only the one it finds.

    1. Conclude its log. 2. Tell the workers: whoever writes it stops. 3. Settle its row.
    Returns the final response object, or None if neither log nor live row was there.
    """
    final: JSON | None
    draft = await log.draft(response_id)
    if draft is None:
        final = await database_sync_to_async(_end_row, thread_sensitive=False)(response_id, ending)
        return final
    final = await conclude(log, draft, ending, fenced=fenced)
    await tell_workers_to_cancel(response_id)
    if final is not None:
        await database_sync_to_async(Response.objects.finish, thread_sensitive=False)(final)
    return final


def _end_row(response_id: str, ending: Ending) -> JSON | None:
    row = Response.objects.filter(pk=response_id).first()
    if row is None:
        return None
    final = Draft(row.wire()).response(ending.status, ending)
    return final if Response.objects.finish(final) else None

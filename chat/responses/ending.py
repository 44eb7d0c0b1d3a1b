"""End a response, for the worker, Stop and the reaper alike.

The first terminal event in the log decides the outcome; a crash before `settle` loses nothing.
"""

import asyncio
import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.db import transaction

from chat.conf import conf
from chat.conversations.announcements import announce_response
from chat.models import LIVE, Response
from chat.protocol.composer import Ending, finish
from chat.protocol.errors import ProtocolError
from chat.protocol.events import Terminal, is_terminal
from chat.protocol.state import ResponseState
from chat.responses.ownership import own_response
from chat.responses.queueing import send_next
from chat.responses.representation import response_object
from chat.responses.titling import request_title
from chat.transport import redis_client
from chat.transport.event_log import Append, Batch, Log, LogError
from chat.transport.notifications import notify_readers, notify_workers_to_cancel
from chat.webhook_models import Delivery
from chat.webhooks.recording import record
from chat.webhooks.sending import request_deliveries

ABANDONED_SECS = 60  # until the log of a deleted row expires
EXPIRE_SECS = 2  # an unresponsive Redis must not hold up the next step

logger = logging.getLogger(__name__)


async def conclude(
    log: Log, state: ResponseState | None, ending: Ending, attempt: int | None = None
) -> Terminal | None:
    """Append the terminal event and notify readers. `state`: what the caller knows.

    After a conflict, apply the other writer's events and retry. Restore from `state` what Redis lost. With
    `attempt`, leave the response to a later one. Returns the terminal event, perhaps another writer's; None:
    nothing to end.
    """
    while state is not None and state.ended is None and (attempt is None or state.attempt <= attempt):
        closing, terminal = finish(state, ending)
        batch = Batch.of(state.id, [*closing, terminal])
        outcome = await log.append(batch, last=True)
        if outcome is Append.GAP:
            batch = Batch.restoring(state, [*closing, terminal])
            outcome = await log.restore(batch, state.attempt, last=True)
        if outcome is Append.APPENDED:
            await notify_readers([batch])
            return terminal
        if outcome is Append.CONFLICT:
            # after a data loss, a later attempt may have passed this state's number
            state = await log.state(state.id, known=state if attempt is None else None)
    return state.terminal if state else None


async def settle(terminal: Terminal, **extra: Any) -> None:
    """Copy the end to its row and announce it, once; then send the owner's held ones."""
    deliveries = await database_sync_to_async(_finish, thread_sensitive=False)(terminal, **extra)
    if deliveries is not None:
        await announce_response(terminal.response)
        await send_next(terminal.response["id"])
        await _expire_log(terminal.response["id"])
        await request_deliveries(deliveries)  # last, as the next: nothing waits for them
        await request_title(terminal.response)


@transaction.atomic
def _finish(terminal: Terminal, **extra: Any) -> list[Delivery] | None:
    """End the row, with the events for webhooks. None: it had ended."""
    return record(terminal.response) if Response.objects.finish(terminal, **extra) else None


async def _expire_log(response_id: str) -> None:
    """Shorten the life of the log; while Redis is unavailable it stays longer."""
    with suppress(LogError, OSError):  # OSError: also a time-out
        async with asyncio.timeout(EXPIRE_SECS):
            await Log(redis_client.client()).expire(response_id, conf.EVENT_LOG_SECONDS)


async def end(log: Log, response_id: str, ending: Ending, attempt: int | None = None) -> Terminal | None:
    """Conclude, cancel the attempt, settle. `attempt` and result: as `conclude`.

    The response's own worker, which names its attempt, replaces a log that cannot be read: an accepted
    response must end. Others raise ProtocolError.
    """
    try:
        state = await log.state(response_id)
    except ProtocolError:
        if attempt is None:  # another version's writer may have it
            raise
        logger.exception("response %s: its log cannot be read, and is replaced", response_id)
        await log.delete(response_id)
        state = None
    state = state or await _reopened(log, response_id)
    final = await conclude(log, state, ending, attempt)
    if final is not None:
        await notify_workers_to_cancel(response_id)
        await settle(final)
    return final


async def cancel(log: Log, owner_id: int, response_id: UUID) -> None:
    """Stop: cancel an owner's response. Raises CommandError."""
    row = await own_response(owner_id, response_id)
    await end(log, row.wire_id, Ending("cancelled", time.time()))


async def cancel_conversation(log: Log, conversation_id: UUID) -> None:
    """Cancel all live responses of a conversation."""
    live = Response.objects.filter(conversation_id=conversation_id, status__in=LIVE)
    await cancel_all(log, await database_sync_to_async(live.wire_ids, thread_sensitive=False)())


async def cancel_all(log: Log, response_ids: Iterable[str]) -> None:
    """Cancel responses of any owners."""
    for response_id in response_ids:
        await end(log, response_id, Ending("cancelled", time.time()))


async def abandon(log: Log, response_id: str) -> None:
    """Cancel a response whose row was deleted, then expire its log."""
    with suppress(ProtocolError):  # a log that cannot be read expires, too
        await end(log, response_id, Ending("cancelled", time.time()))
    await notify_workers_to_cancel(response_id)  # `end` does not, if it found no log
    await log.expire(response_id, ABANDONED_SECS)


async def settle_if_ended(log: Log, response_id: str) -> bool:
    """Settle a response if its log has ended. False: it has not."""
    state = await log.state(response_id)
    if state is None or state.terminal is None:
        return False
    await settle(state.terminal)
    return True


async def settle_ended(log: Log, conversation_id: UUID) -> None:
    """Settle a conversation's responses that have ended in their logs: clients see that before the row."""
    live = Response.objects.filter(conversation_id=conversation_id, status__in=LIVE)
    response_ids = await database_sync_to_async(live.wire_ids, thread_sensitive=False)()
    for response_id, last in (await log.lasts(response_ids)).items():
        if is_terminal(last.event):
            await settle_if_ended(log, response_id)


async def _reopened(log: Log, response_id: str) -> ResponseState | None:
    live = Response.objects.filter(pk=response_id, status__in=LIVE)
    row: Response | None = await database_sync_to_async(live.first, thread_sensitive=False)()
    return await log.reopened(response_object(row), row.attempt) if row else None

"""Create a response: check the limits, store the row, open the log, announce, enqueue."""

import asyncio
import logging
import time
from datetime import datetime
from typing import TYPE_CHECKING

from channels.db import database_sync_to_async
from django.db import transaction
from django.utils import timezone

from chat.accounts.owner_lock import lock_owner
from chat.conversations.announcements import announce_new
from chat.files.claiming import claim
from chat.models import Conversation, Response
from chat.protocol.commands import Create
from chat.protocol.composer import Ending
from chat.protocol.errors import CommandError, ProtocolError
from chat.protocol.events import JSON
from chat.protocol.input_items import data_parts, file_parts, with_ids
from chat.responses.admission import admit
from chat.responses.attachments import attached, name_of
from chat.responses.ending import end
from chat.responses.model_catalog import catalog
from chat.responses.program_requests import ProgramRequest, columns
from chat.responses.prompt import input_tokens
from chat.responses.queueing import enqueue, send_next
from chat.responses.references import resolved
from chat.responses.relatives import conversation, relatives, title_of
from chat.responses.representation import response_object
from chat.responses.running import once_settled
from chat.transport.event_log import Log, LogError
from chat.transport.outages import UNAVAILABLE

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

TOO_HIGH = 2  # an estimate of tokens may be as many times the true number: six bytes of text are one, or more
ENQUEUE_SECS = 0.02  # enough for most enqueues; a slow broker must not delay the reader

logger = logging.getLogger(__name__)
_pending: set[asyncio.Task[None]] = set()  # asyncio keeps only weak references to tasks


async def submit(
    owner: "AbstractBaseUser", command: Create, log: Log, program: ProgramRequest | None = None
) -> tuple[Response, bool]:
    """Create and queue a response; a repeated request is not queued again.

    `program`: how a program asked; None: a page did. Returns and raises as `create_response`.
    """
    row, new = await once_settled(log, lambda: create_response(owner, command, log, program))
    if new:
        await queue_response(row, log)
    return row, new


async def create_response(
    owner: "AbstractBaseUser", command: Create, log: Log, program: ProgramRequest | None = None
) -> tuple[Response, bool]:
    """Store the files and the row, then open its log. Returns the row and whether it is new.

    A repeated `client_request_id` of an owner returns the same row. Raises CommandError; in an outage
    LogError or a database error, after deleting the row if possible.
    """
    items = command.items()
    if data_parts(items):
        earlier = await database_sync_to_async(_check, thread_sensitive=False)(owner, command, program)
        if earlier is not None:
            return earlier, False
        items = await database_sync_to_async(attached, thread_sensitive=False)(owner, items)
    row, new = await database_sync_to_async(_store, thread_sensitive=False)(owner, command, items, program)
    if new:
        try:
            await log.create(response_object(row))
        except LogError:
            await database_sync_to_async(_delete, thread_sensitive=False)(row)
            raise
    return row, new


async def queue_response(row: Response, log: Log) -> None:
    """Announce a new response, then enqueue it; if that fails, end it as `queue_unavailable`.

    Waits at most ENQUEUE_SECS. A separate task finishes even if the caller is cancelled: an accepted response
    must end.
    """
    task = asyncio.create_task(_enqueue_or_end(row, log))
    _pending.add(task)
    task.add_done_callback(_pending.discard)
    await asyncio.wait([task], timeout=ENQUEUE_SECS)


async def _enqueue_or_end(row: Response, log: Log) -> None:
    # first: a worker may end the response at once
    await announce_new(row.conversation, response_object(row), row.client_request_id)
    if row.sent_at is None:
        await send_next(row.id)  # the last running one may have ended before this one was stored
        return
    try:
        await enqueue(row)
    except UNAVAILABLE:
        try:
            await end(log, row.wire_id, Ending("failed", time.time(), "queue_unavailable"))
        except (*UNAVAILABLE, ProtocolError) as error:  # the reaper enqueues it later
            logger.warning("response %s: not enqueued, and not ended: %s", row.wire_id, type(error).__name__)


def _check(owner: "AbstractBaseUser", command: Create, program: ProgramRequest | None) -> Response | None:
    """As `_store`, before files are stored: the row of the same request. Raises CommandError at a limit."""
    earlier = _same_request(owner, command, program)
    if earlier is None:
        admit(owner)
        if command.tailrace.regenerate_of is None:  # else its model is known later
            model = command.model or next(iter(catalog()))
            _check_model(model, command)
            _check_context(
                Response(
                    owner_id=owner.pk,
                    model=model,
                    instructions=command.instructions or "",
                    input=command.items(),
                    request=command.requested(),
                )
            )
    return earlier


@transaction.atomic
def _store(
    owner: "AbstractBaseUser", command: Create, items: list[JSON], program: ProgramRequest | None = None
) -> tuple[Response, bool]:
    owner = lock_owner(owner.pk)
    if earlier := _same_request(owner, command, program):  # before the limits: never refused by them
        return earlier, False
    return _insert(owner, command, items, admit(owner), program), True


def _delete(row: Response) -> None:
    row.delete()
    Conversation.objects.filter(pk=row.conversation_id, responses=None).delete()


def _same_request(
    owner: "AbstractBaseUser", command: Create, program: ProgramRequest | None
) -> Response | None:
    """The row of the same request. Raises CommandError if a program's had another body."""
    request_id = command.tailrace.client_request_id
    if request_id is None:
        return None
    found = Response.objects.filter(owner_id=owner.pk, client_request_id=request_id).first()
    if found is not None and program is not None and found.request_digest != program.digest:
        raise CommandError("idempotency_key_reused")
    return found


def _insert(
    owner: "AbstractBaseUser",
    command: Create,
    items: list[JSON],
    sent_at: datetime | None,
    program: ProgramRequest | None,
) -> Response:
    source, previous = relatives(owner.pk, command, program)
    model = command.model or (source.model if source else next(iter(catalog())))
    _check_model(model, command)
    row = Response(
        owner_id=owner.pk,
        previous=previous,
        client_request_id=command.tailrace.client_request_id,
        model=model,
        instructions=command.instructions or "",
        max_output_tokens=command.max_output_tokens,
        temperature=command.temperature,
        metadata=command.metadata or {},
        request=command.requested(),
        sent_at=sent_at,
        **columns(command, program),
    )
    row.input = with_ids(resolved(owner.pk, items or (source.input if source else [])), row.pk)
    row.asked = row.input_text
    _check_context(row)
    row.conversation, new = conversation(owner.pk, command, source or previous, row, program)
    row.listed = row.conversation.listed
    row.save(force_insert=True)
    files = claim(owner, row, file_parts(row.input))
    if row.listed and not row.conversation.title:
        row.conversation.title = title_of(row.asked or (name_of(files) if files else ""))
        row.conversation.save(update_fields=["title"])
    if not new:
        row.conversation.updated_at = timezone.now()
        row.conversation.save(update_fields=["updated_at"])
    return row


def _check_model(name: str, command: Create) -> None:
    """Raise CommandError for an unknown model, or for fields that are another model's own."""
    model = catalog().get(name)
    if model is None:
        raise CommandError("model_not_found", "model")
    if own := next((n for n in command.model_extra or () if n not in model.client_parameters), None):
        raise CommandError("unknown_field", own)


def _check_context(row: Response) -> None:
    """Raise CommandError if a model certainly cannot read the input; else its server decides."""
    context = catalog()[row.model].context
    if context is not None and input_tokens(row) > TOO_HIGH * context:
        raise CommandError("input_exceeds_context", "input")

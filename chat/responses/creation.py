"""A new response: check what is asked, store the row, begin the log.

arrow in: `consumers` · arrow out: the row and the log; the consumer then joins and enqueues
"""

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from channels.db import database_sync_to_async
from django.db import IntegrityError, transaction

from chat.models import Conversation, Response
from chat.protocol.commands import Create
from chat.protocol.errors import CommandError
from chat.responses.model_catalog import catalog
from chat.responses.representation import response_object
from chat.transport.event_log import Log, LogError

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

TITLE_CHARS = 60  # a line in the list


async def create_response(
    owner: "AbstractBaseUser", command: Create, log: Log, admitted: Callable[[], bool] = lambda: True
) -> tuple[Response, bool]:
    """Store what the command asks for and begin its log.

    `admitted` is asked first, in a thread that may ask the database. Returns the row and whether it is new:
    the same `client_request_id` of the same owner gives the same row. Raises CommandError or LogError; then
    nothing was stored.
    """
    row, new = await database_sync_to_async(_store, thread_sensitive=False)(owner, command, admitted)
    if new:
        try:
            await log.create(response_object(row))
        except LogError:
            await database_sync_to_async(_forget, thread_sensitive=False)(row)
            raise
    return row, new


def _store(owner: "AbstractBaseUser", command: Create, admitted: Callable[[], bool]) -> tuple[Response, bool]:
    if not admitted():
        raise CommandError("unauthenticated")
    if earlier := _same_request(owner, command):
        return earlier, False
    try:
        with transaction.atomic():
            return _insert(owner, command), True
    except IntegrityError:
        if earlier := _same_request(owner, command):  # the same request got there first
            return earlier, False
        raise


def _forget(row: Response) -> None:
    """Take back what could not be begun, with a conversation that it began."""
    row.delete()
    Conversation.objects.filter(pk=row.conversation_id, responses=None).delete()


def _same_request(owner: "AbstractBaseUser", command: Create) -> Response | None:
    request_id = command.tailrace.client_request_id
    return (
        request_id and Response.objects.filter(owner_id=owner.pk, client_request_id=request_id).first()
    ) or None


def _insert(owner: "AbstractBaseUser", command: Create) -> Response:
    source = _own_response(owner, command.tailrace.regenerate_of, "tailrace.regenerate_of")
    if source and command.previous_response_id:  # a sibling has its previous already
        raise CommandError("invalid_field", "previous_response_id")
    model = command.model or (source.model if source else next(iter(catalog())))
    if model not in catalog():
        raise CommandError("model_not_found", "model")
    previous = (
        source.previous
        if source
        else _own_response(owner, command.previous_response_id, "previous_response_id")
    )
    messages = command.messages() or (source.input if source else [])
    conversation, begun = _conversation(owner, command, source or previous, messages)
    row = Response(
        conversation=conversation,
        owner_id=owner.pk,
        previous=previous,
        client_request_id=command.tailrace.client_request_id,
        model=model,
        input=messages,
        instructions=command.instructions or "",
        max_output_tokens=command.max_output_tokens,
        temperature=command.temperature,
        metadata=command.metadata or {},
    )
    row.asked = row.input_text
    row.save(force_insert=True)
    if not begun:
        Conversation.objects.filter(pk=conversation.pk).touch()
    return row


def _own_response(owner: "AbstractBaseUser", response_id: UUID | None, param: str) -> Response | None:
    if response_id is None:
        return None
    row = (
        Response.objects.select_related("conversation", "previous")
        .filter(owner_id=owner.pk, pk=response_id, conversation__deleted_at=None)
        .first()
    )
    if row is None:
        raise CommandError("response_not_found", param)
    return row


def _conversation(
    owner: "AbstractBaseUser", command: Create, relative: Response | None, messages: list[dict[str, str]]
) -> tuple[Conversation, bool]:
    """Where it belongs, and whether that begins with it."""
    wanted = command.tailrace.conversation_id
    if relative is not None:
        if wanted not in (None, relative.conversation_id):
            raise CommandError("invalid_field", "tailrace.conversation_id")
        return relative.conversation, False
    if wanted is None:
        title = title_of(messages[-1]["content"])
        return Conversation.objects.create(owner_id=owner.pk, title=title), True
    conversation = Conversation.objects.visible_to(owner.pk).filter(pk=wanted).first()
    if conversation is None:
        raise CommandError("conversation_not_found", "tailrace.conversation_id")
    return conversation, False


def title_of(text: str) -> str:
    """The first words of a text, whole, in one line of at most TITLE_CHARS."""
    line = " ".join(text.split())
    if len(line) <= TITLE_CHARS:
        return line
    words, _, _ = line[:TITLE_CHARS].rpartition(" ")
    return (words or line[: TITLE_CHARS - 1]) + "…"

"""The earlier responses and the conversation of a new response."""

from uuid import UUID

from chat.models import Conversation, Response
from chat.protocol.commands import Create
from chat.protocol.errors import CommandError
from chat.responses.program_requests import ProgramRequest
from chat.responses.running import latest_response, require_ended

TITLE_CHARS = 60  # one list line


def relatives(
    owner_id: int, command: Create, program: ProgramRequest | None
) -> tuple[Response | None, Response | None]:
    """The response to regenerate, and the previous one. Raises CommandError, RunningError.

    In a `conversation` the previous one is the latest.
    """
    source = _own(owner_id, command.tailrace.regenerate_of, "tailrace.regenerate_of")
    if source is not None and source.deleted_at is not None:
        raise CommandError("response_not_found", "tailrace.regenerate_of")
    # a sibling has the same previous response
    if command.previous_response_id and (source is not None or command.conversation):
        raise CommandError("invalid_field", "previous_response_id")
    if source is not None:
        return source, source.previous
    if command.conversation is None:
        return None, _previous(owner_id, command, program)
    return None, latest_response(_visible(owner_id, command.conversation, "conversation").pk)


def conversation(
    owner_id: int,
    command: Create,
    relative: Response | None,
    row: Response,
    program: ProgramRequest | None,
) -> tuple[Conversation, bool]:
    """The conversation of a new row, and whether it is new. Raises CommandError.

    A row that is not stored is alone in its conversation, whatever it continues: the list never shows it.
    """
    param = "conversation" if command.conversation else "tailrace.conversation_id"
    conversation_id = command.conversation or command.tailrace.conversation_id
    if command.tailrace.conversation_id not in (None, conversation_id):
        raise CommandError("invalid_field", "tailrace.conversation_id")
    if conversation_id is not None and not row.stored:
        raise CommandError("unsupported_parameter", "store")
    if relative is not None and row.stored:
        if conversation_id not in (None, relative.conversation_id):
            raise CommandError("invalid_field", param)
        return relative.conversation, False
    if conversation_id is None:
        title = title_of(row.asked) if program is None else ""
        made = Conversation.objects.create(owner_id=owner_id, title=title, listed=program is None)
        return made, True
    return _visible(owner_id, conversation_id, param), False


def title_of(text: str) -> str:
    """The first whole words, in one line of at most TITLE_CHARS."""
    line = " ".join(text.split())
    if len(line) <= TITLE_CHARS:
        return line
    words, _, _ = line[:TITLE_CHARS].rpartition(" ")
    return (words or line[: TITLE_CHARS - 1]) + "…"


def _previous(owner_id: int, command: Create, program: ProgramRequest | None) -> Response | None:
    """A program may not continue one that is running, or will be deleted."""
    param = "previous_response_id"
    if program is None:
        return _own(owner_id, command.previous_response_id, param)
    try:
        row = _own(owner_id, command.previous_response_id, param)
    except CommandError:
        raise CommandError("previous_response_not_found", param) from None
    if row is not None:
        may_continue = row.stored or (program.continues_unstored and command.store is False)
        if row.deleted_at is not None or not may_continue:
            raise CommandError("previous_response_not_found", param)
        require_ended(row, "previous_response_running", param)
    return row


def _visible(owner_id: int, conversation_id: UUID, param: str) -> Conversation:
    found = Conversation.objects.visible_to(owner_id).filter(pk=conversation_id).first()
    if found is None:
        raise CommandError("conversation_not_found", param)
    return found


def _own(owner_id: int, response_id: UUID | None, param: str) -> Response | None:
    if response_id is None:
        return None
    row = (
        Response.objects.select_related("conversation", "previous")
        .filter(owner_id=owner_id, pk=response_id, conversation__deleted_at=None)
        .first()
    )
    if row is None:
        raise CommandError("response_not_found", param)
    return row

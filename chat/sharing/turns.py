"""The turns that a link shows: the path of newest versions, no other branch. All of it blocks."""

from uuid import UUID

from chat.conversations.tree import PER_PAGE
from chat.conversations.turns import files_of, newest_path
from chat.file_models import File, FileState, parse_wire_id
from chat.ids import RESPONSE, bare
from chat.models import Conversation, Response
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.sharing.representation import shared_turn


def shared_turns(conversation: Conversation, before: str = "") -> list[JSON]:
    """The latest turns of the path, or those above a response of it, oldest first.

    Raises CommandError for a response that is not on the path.
    """
    path = newest_path(conversation.pk)
    if before:
        path = path[: _place(path, before)]
    rows = list(Response.objects.filter(pk__in=path[-PER_PAGE:]).order_by("id"))
    files = files_of(rows)
    return [shared_turn(row, files) for row in rows]


def shown_response(conversation_id: UUID, response_id: UUID) -> Response:
    """A response on the path. Raises CommandError: it is another conversation's, or of another branch."""
    row = Response.objects.filter(pk=response_id, conversation_id=conversation_id).first()
    if row is None or row.pk not in newest_path(conversation_id):
        raise CommandError("response_not_found", "response_id")
    return row


def shown_file(conversation_id: UUID, file_id: str) -> File:
    """A file in a question on the path. Raises CommandError as if there were none."""
    found = parse_wire_id(file_id)
    if found is not None:
        used = File.objects.filter(uses__response__in=newest_path(conversation_id))
        if row := used.filter(pk=found, state=FileState.STORED).first():
            return row
    raise CommandError("file_not_found")


def _place(path: list[UUID], response_id: str) -> int:
    try:
        return path.index(UUID(bare(RESPONSE, response_id)))
    except ValueError:
        raise CommandError("invalid_field", "before") from None

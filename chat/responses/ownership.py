"""Ownership: another user's response does not exist for a client."""

from uuid import UUID

from channels.db import database_sync_to_async

from chat.models import Response
from chat.protocol.errors import CommandError


async def own_response(owner_id: int, response_id: UUID) -> Response:
    """The owner's response. Raises CommandError if there is none, or it was deleted."""
    rows = Response.objects.filter(pk=response_id, owner_id=owner_id, deleted_at=None)
    row: Response | None = await database_sync_to_async(rows.first, thread_sensitive=False)()
    if row is None:
        raise CommandError("response_not_found", "response_id")
    return row

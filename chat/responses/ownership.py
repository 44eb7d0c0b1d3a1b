"""Ownership: another user's response does not exist for a client."""

from collections.abc import Sequence
from uuid import UUID

from channels.db import database_sync_to_async
from django.db import router

from chat.models import Response
from chat.protocol.errors import CommandError

FOLLOWED = ("id", "status", "attempt")  # needed by a reader; the texts of a row may have megabytes


async def own_response(owner_id: int, response_id: UUID, only: Sequence[str] = ()) -> Response:
    """The owner's response, with some of its fields or all. Raises CommandError: none, or it was deleted."""
    rows = Response.objects.filter(pk=response_id, owner_id=owner_id, deleted_at=None)
    if only:
        rows = rows.only(*only)
    row: Response | None = await database_sync_to_async(rows.first, thread_sensitive=False)()
    if row is None:
        raise CommandError("response_not_found", "response_id")
    return row


def followed(row: Response) -> Response:
    """The row with the fields that a reader needs, who may hold it for long; the others are not loaded."""
    using = router.db_for_read(Response)
    return Response.from_db(using, FOLLOWED, [getattr(row, name) for name in FOLLOWED])

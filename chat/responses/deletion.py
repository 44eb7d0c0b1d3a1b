"""Delete a response of its owner: its texts, files and log; its row stays, since later turns refer to it."""

import time
from uuid import UUID

from channels.db import database_sync_to_async
from django.db import transaction

from chat.conversations.announcements import announce_conversation
from chat.file_models import FileUse
from chat.models import Response
from chat.protocol.composer import Ending
from chat.responses.ending import ABANDONED_SECS, end
from chat.responses.ownership import own_response
from chat.transport.event_log import Log


async def delete(log: Log, owner_id: int, response_id: UUID) -> Response:
    """Cancel the response if it runs, then delete it. Returns the row as it was. Raises CommandError.

    The log of one that ran expires later: it stops a worker that has not heard of the cancellation.
    """
    row = await own_response(owner_id, response_id)
    if row.live:
        await end(log, row.wire_id, Ending("cancelled", time.time()))
    await database_sync_to_async(_erase, thread_sensitive=False)(row)
    if row.live:  # as it was
        await log.expire(row.wire_id, ABANDONED_SECS)
    else:
        await log.delete(row.wire_id)
    if row.listed:
        await announce_conversation(row.conversation_id)
    return row


@transaction.atomic
def _erase(row: Response) -> None:
    if Response.objects.filter(pk=row.pk).erase():
        FileUse.objects.filter(response=row.pk).delete()

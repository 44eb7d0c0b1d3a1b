"""Tells an owner's sockets what is new in the list: a response began or ended, a conversation changed.

arrow in: `consumers` and `ending`, `workers/tasks.py`, `endpoints`
arrow out: a hint to the group of the owner. Best effort: pages look at the list when they come back.
"""

import logging
from uuid import UUID

from channels.db import database_sync_to_async

from chat.conversations.listing import news
from chat.protocol.objects import ResponseObject
from chat.transport.notifications import notify_owner
from chat.transport.outages import UNAVAILABLE

logger = logging.getLogger(__name__)


async def announce_response(response: ResponseObject) -> None:
    """Tell of a response object that has just begun or ended, and of its conversation as it is now."""
    await announce_conversation(response["conversation"]["id"], response)


async def announce_conversation(conversation_id: UUID | str, response: ResponseObject | None = None) -> None:
    """Tell of a conversation as it is now, and of the response object that it is about, if any."""
    try:
        told = await database_sync_to_async(news, thread_sensitive=False)(conversation_id, response)
        if told is not None:
            await notify_owner(*told)
    except UNAVAILABLE as error:
        logger.warning("an owner was not told: %s", type(error).__name__)

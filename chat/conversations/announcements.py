"""Announce changes of the list to an owner's sockets: a response began or ended, a conversation changed.

arrow in: `creation` and `ending`, `workers/tasks.py`, `conversation_api`
arrow out: a notification to the owner's group. Best effort: pages fetch the list when they reconnect.
"""

import logging
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async

from chat.conversations.listing import change_event
from chat.models import Conversation
from chat.protocol.objects import ResponseObject
from chat.transport.notifications import notify_owner
from chat.transport.outages import UNAVAILABLE

logger = logging.getLogger(__name__)


async def announce_response(response: ResponseObject) -> None:
    """Announce a response object that has just ended, with its conversation as it is now."""
    await announce_conversation(response["conversation"]["id"], response)


async def announce_new(conversation: Any, response: ResponseObject, request_id: str | None) -> None:
    """Announce a response object that was created just now, with its conversation as it was saved then.

    The `client_request_id` lets the page that asked recognise its own message.
    """
    conversation.running = True
    await notify_owner(conversation.owner_id, change_event(conversation, response, request_id))


async def announce_conversation(conversation_id: UUID | str, response: ResponseObject | None = None) -> None:
    """Announce a conversation as it is now, and the response object that changed it, if any."""
    rows = Conversation.objects.with_running().filter(pk=conversation_id)
    try:
        row = await database_sync_to_async(rows.first, thread_sensitive=False)()
        if row is not None:
            await notify_owner(row.owner_id, change_event(row, response))
    except UNAVAILABLE as error:
        logger.warning("an owner was not notified: %s", type(error).__name__)

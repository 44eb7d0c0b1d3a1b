"""Announce changes of listed conversations to the owner's sockets.

Best effort: pages fetch the list when they reconnect.
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
    """Announce an ended response."""
    if response["conversation"] is not None:
        await announce_conversation(response["conversation"]["id"], response)


async def announce_new(conversation: Any, response: ResponseObject, request_id: str | None) -> None:
    """Announce a new response, with its conversation as saved.

    `request_id`: the asking page recognises its message by it.
    """
    if not conversation.listed:
        return
    conversation.running = True
    await notify_owner(
        conversation.owner_id, change_event(conversation, response, request_id), conversation.pk
    )


async def announce_conversation(conversation_id: UUID | str, response: ResponseObject | None = None) -> None:
    """Announce a conversation and any response object that changed it."""
    rows = Conversation.objects.with_running().filter(pk=conversation_id, listed=True)
    try:
        row = await database_sync_to_async(rows.first, thread_sensitive=False)()
        if row is not None:
            await notify_owner(row.owner_id, change_event(row, response), row.pk)
    except UNAVAILABLE as error:
        logger.warning("an owner was not notified: %s", type(error).__name__)

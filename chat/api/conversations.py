"""`/v1/conversations`: make, find, name and delete a conversation; list, add and delete its items.

Format: https://platform.openai.com/docs/api-reference/conversations
"""

from collections.abc import Callable
from typing import Any, TypeVar

from channels.db import database_sync_to_async

from chat.api.conversation_bodies import added_items, conversation_change, new_conversation
from chat.api.endpoint import Endpoint
from chat.api.exchange import Exchange
from chat.api.pages import limit_of, order_of, page_of
from chat.conversations import of_programs
from chat.conversations.announcements import announce_conversation
from chat.conversations.items import find_item, item_page, items_of, response_with
from chat.conversations.of_programs import conversation_object
from chat.models import Conversation
from chat.responses.added_items import add_items, create_conversation, delete_item
from chat.responses.ending import cancel_conversation, settle_ended
from chat.responses.representation import response_object
from chat.responses.running import once_settled
from chat.transport import redis_client
from chat.transport.event_log import Log

T = TypeVar("T")


class Conversations(Endpoint):
    """`/v1/conversations`."""

    async def post(self, exchange: Exchange) -> None:
        """Create a conversation, with items."""
        exchange.require_query()
        body = new_conversation(exchange.json())
        items = body.normalized()
        metadata = body.metadata or {}
        row, turns = await once_settled(
            _log(), lambda: _query(create_conversation, exchange.owner, metadata, items)
        )
        await announce_conversation(row.pk, response_object(turns[-1]) if turns else None)
        await exchange.reply(conversation_object(row))


class OneConversation(Endpoint):
    """`/v1/conversations/<id>`."""

    async def get(self, exchange: Exchange, conversation_id: str) -> None:
        """Retrieve the conversation."""
        exchange.require_query()
        await exchange.reply(conversation_object(await _find(exchange, conversation_id)))

    async def post(self, exchange: Exchange, conversation_id: str) -> None:
        """Replace the metadata."""
        exchange.require_query()
        metadata = conversation_change(exchange.json()).metadata or {}
        row = await _query(of_programs.set_metadata, exchange.owner.pk, conversation_id, metadata)
        await announce_conversation(row.pk)
        await exchange.reply(conversation_object(row))

    async def delete(self, exchange: Exchange, conversation_id: str) -> None:
        """Delete the conversation; cancel first what runs."""
        exchange.require_query()
        row = await _find(exchange, conversation_id)
        await cancel_conversation(_log(), row.pk)
        await _query(of_programs.hide, row)
        await cancel_conversation(_log(), row.pk)  # responses created meanwhile
        await announce_conversation(row.pk)
        await exchange.reply({"id": row.wire_id, "object": "conversation.deleted", "deleted": True})


class ConversationItems(Endpoint):
    """`/v1/conversations/<id>/items`."""

    async def get(self, exchange: Exchange, conversation_id: str) -> None:
        """List the items, the newest first by default."""
        exchange.require_query("after", "limit", "order", "include")
        row = await _find_settled(exchange, conversation_id)
        newest_first = order_of(exchange.query) == "desc"
        after, limit = exchange.value("after"), limit_of(exchange.query)
        items, has_more = await _query(item_page, row, after, limit, newest_first=newest_first)
        await exchange.reply(page_of(items, has_more=has_more))

    async def post(self, exchange: Exchange, conversation_id: str) -> None:
        """Add items after the latest ones."""
        exchange.require_query("include")
        items = added_items(exchange.json()).normalized()
        row = await _find(exchange, conversation_id)
        turns = await once_settled(_log(), lambda: _query(add_items, exchange.owner, row, items))
        if turns:
            await announce_conversation(row.pk, response_object(turns[-1]))
        await exchange.reply(page_of([item for turn in turns for item in items_of(turn)], has_more=False))


class ConversationItem(Endpoint):
    """`/v1/conversations/<id>/items/<item>`."""

    async def get(self, exchange: Exchange, conversation_id: str, item_id: str) -> None:
        """Retrieve an item."""
        exchange.require_query("include")
        row = await _query(response_with, await _find_settled(exchange, conversation_id), item_id)
        await exchange.reply(find_item(row, item_id))

    async def delete(self, exchange: Exchange, conversation_id: str, item_id: str) -> None:
        """Delete an item; reply with the conversation."""
        exchange.require_query()
        conversation = await _find_settled(exchange, conversation_id)
        row = await once_settled(_log(), lambda: _query(delete_item, conversation, item_id))
        await _log().delete(row.wire_id)  # it has the item, too
        await announce_conversation(conversation.pk)
        await exchange.reply(conversation_object(conversation))


async def _find(exchange: Exchange, conversation_id: str) -> Conversation:
    """Raises CommandError."""
    return await _query(of_programs.find, exchange.owner.pk, conversation_id)


async def _find_settled(exchange: Exchange, conversation_id: str) -> Conversation:
    """The same, with the items of answers that have ended in the log alone. Raises CommandError."""
    row = await _find(exchange, conversation_id)
    await settle_ended(_log(), row.pk)
    return row


async def _query(query: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    found: T = await database_sync_to_async(query, thread_sensitive=False)(*args, **kwargs)
    return found


def _log() -> Log:
    return Log(redis_client.client())

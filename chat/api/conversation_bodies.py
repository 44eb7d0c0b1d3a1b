"""The bodies of `/v1/conversations`. Pure.

Format: https://platform.openai.com/docs/api-reference/conversations
"""

from typing import Annotated

from pydantic import Field

from chat.protocol.commands import MAX_INPUT_CHARS, Metadata, validated
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.protocol.fields import Strict
from chat.protocol.input_items import texts
from chat.protocol.inputs import Items, normalized

MAX_ITEMS = 20  # of one request

NewItems = Annotated[Items, Field(max_length=MAX_ITEMS)]


class _WithItems(Strict):
    items: NewItems | None = None

    def normalized(self) -> list[JSON]:
        """The items, still without ids. Raises CommandError."""
        items = normalized(self.items or [])
        if sum(map(len, texts(items))) > MAX_INPUT_CHARS:
            raise CommandError("input_too_long", "items")
        return items


class NewConversation(_WithItems):
    """`POST /v1/conversations`."""

    metadata: Metadata | None = None


class ConversationChange(Strict):
    """`POST /v1/conversations/<id>`."""

    metadata: Metadata | None


class AddedItems(_WithItems):
    """`POST /v1/conversations/<id>/items`."""

    items: NewItems


def new_conversation(body: JSON) -> NewConversation:
    """Parse a body. Raises CommandError."""
    return validated(NewConversation, body)


def conversation_change(body: JSON) -> ConversationChange:
    """Parse a body. Raises CommandError."""
    return validated(ConversationChange, body)


def added_items(body: JSON) -> AddedItems:
    """Parse a body. Raises CommandError."""
    return validated(AddedItems, body)

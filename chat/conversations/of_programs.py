"""Conversations that programs make, find and name. All of it blocks.

They are listed like a page's: a person and a program share each of them.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone

from chat.ids import CONVERSATION, bare
from chat.models import Conversation, ConversationQuerySet, TitleSource
from chat.protocol.commands import MAX_TITLE_CHARS
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON

TITLE = "title"  # in the metadata


def create(owner_id: int, metadata: Mapping[str, str]) -> Conversation:
    """A new conversation, named by its metadata, else later by its first question."""
    return Conversation.objects.create(owner_id=owner_id, metadata=dict(metadata), **_title(metadata))


def find(owner_id: int, conversation_id: str) -> Conversation:
    """An owner's conversation by its wire id. Raises CommandError."""
    row = _rows(owner_id, conversation_id).first()
    if row is None:
        raise CommandError("conversation_not_found", "conversation_id")
    return row


def set_metadata(owner_id: int, conversation_id: str, metadata: Mapping[str, str]) -> Conversation:
    """Replace the metadata; a title in it renames the conversation. Raises CommandError."""
    _rows(owner_id, conversation_id).update(metadata=dict(metadata), **_title(metadata))
    return find(owner_id, conversation_id)


def hide(conversation: Conversation) -> None:
    """Delete it, as a page does: it can be restored there for some time."""
    Conversation.objects.filter(pk=conversation.pk).update(deleted_at=timezone.now())


def conversation_object(row: Conversation) -> JSON:
    """OpenAI's conversation object."""
    return {
        "id": row.wire_id,
        "object": "conversation",
        "created_at": int(row.created_at.timestamp()),
        "metadata": row.metadata,
    }


def _rows(owner_id: int, conversation_id: str) -> ConversationQuerySet:
    try:
        name = UUID(bare(CONVERSATION, conversation_id))
    except ValueError:
        return Conversation.objects.none()
    return Conversation.objects.visible_to(owner_id).filter(pk=name)


def _title(metadata: Mapping[str, str]) -> dict[str, Any]:
    line = " ".join(metadata.get(TITLE, "").split())[:MAX_TITLE_CHARS].rstrip()
    return {"title": line, "title_source": TitleSource.OWNER} if line else {}

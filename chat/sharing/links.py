"""Create, find and revoke the link of a conversation. All of it blocks."""

from uuid import UUID

from django.db import transaction

from chat.conf import conf
from chat.models import Conversation
from chat.protocol.errors import CommandError
from chat.share_models import Share, digest, new_token


def find(token: str) -> Share | None:
    """The live link with this token. None: unknown, revoked, deleted or switched off."""
    return Share.objects.with_token(token) if conf.SHARING else None


def live_ids(share_ids: set[UUID]) -> set[UUID]:
    """Those of the links that still give access: one query."""
    return set(Share.objects.live().filter(pk__in=share_ids).values_list("pk", flat=True))


def link_of(owner_id: int, conversation_id: UUID) -> Share | None:
    """The live link of an owner's conversation. Raises CommandError without the conversation."""
    _require(Conversation.objects.visible_to(owner_id).filter(pk=conversation_id).first())
    return Share.objects.live().filter(conversation_id=conversation_id).first()


@transaction.atomic
def create(owner_id: int, conversation_id: UUID) -> Share:
    """The live link of an owner's conversation, a new one if there is none. Raises as `link_of`.

    The conversation is locked: requests at the same time get one link. Revoked ones are deleted, so that a
    conversation has one row at most.
    """
    rows = Conversation.objects.visible_to(owner_id).filter(pk=conversation_id)
    _require(rows.select_for_update().first())
    links = Share.objects.filter(conversation_id=conversation_id)
    if earlier := links.filter(revoked_at=None).first():
        return earlier
    links.delete()
    token = new_token()
    return Share.objects.create(conversation_id=conversation_id, token=token, digest=digest(token))


def revoke(owner_id: int, conversation_id: UUID) -> bool:
    """End the access by the link. False: there is none. Raises as `link_of`."""
    _require(Conversation.objects.visible_to(owner_id).filter(pk=conversation_id).first())
    return bool(Share.objects.filter(conversation_id=conversation_id).revoke())


def _require(conversation: Conversation | None) -> None:
    if conversation is None or not conf.SHARING:
        raise CommandError("conversation_not_found")

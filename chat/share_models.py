"""Database rows of share links: who has a link reads its conversation, without an account."""

import hashlib
import secrets
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.ids import new_id

PATTERN = "[A-Za-z0-9_-]{32}"


def new_token() -> str:
    """192 random bits, in 32 characters of a URL."""
    return secrets.token_urlsafe(24)


def digest(token: str) -> str:
    """The searched column: the time of a search says nothing about similar tokens."""
    return hashlib.sha256(token.encode()).hexdigest()


class ShareQuerySet(models.QuerySet["Share"]):
    """The transitions."""

    def live(self) -> "ShareQuerySet":
        """Links that give access: not revoked, the conversation not deleted, its owner active."""
        return self.filter(
            revoked_at=None, conversation__deleted_at=None, conversation__owner__is_active=True
        )

    def with_token(self, token: str) -> "Share | None":
        """The live link with a token, and its conversation."""
        return self.live().filter(digest=digest(token)).select_related("conversation").first()

    def revoke(self) -> int:
        """End access. Returns the number of links."""
        return self.filter(revoked_at=None).update(revoked_at=timezone.now())


class Share(models.Model):
    """A link to read a conversation, until it is revoked."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    conversation = models.ForeignKey("tailrace.Conversation", on_delete=models.CASCADE, related_name="shares")
    token = models.CharField(max_length=32, editable=False)  # its owner copies it again
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ShareQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["conversation"], condition=Q(revoked_at=None), name="one_live_link_per_conversation"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id} ({'revoked' if self.revoked_at else 'live'})"

"""Database rows of API keys: programs that send a key act as its owner."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.ids import new_id

PREFIX = "tr_"  # scanners for leaked secrets, and people, know the kind by it
HINT_CHARS = 4
NAME_CHARS = 80
USE_STEP = timedelta(minutes=1)  # between two writes of a key's last use


def new_text() -> str:
    """The text of a new key: the prefix, and 256 random bits in 43 characters of a URL."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(text: str) -> str:
    """The searched column. 256 random bits need no slow hash."""
    return hashlib.sha256(text.encode()).hexdigest()


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """The transitions."""

    def live(self) -> "ApiKeyQuerySet":
        """Keys that have not ended: neither revoked nor expired."""
        unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        return self.filter(unexpired, revoked_at=None)

    def usable(self) -> "ApiKeyQuerySet":
        """Keys that give access: live, and the owner active."""
        return self.live().filter(owner__is_active=True)

    def with_digest(self, digest: str) -> "ApiKey | None":
        """The usable key of this digest, and its owner: one query."""
        return self.usable().filter(digest=digest).select_related("owner").first()

    def expiries(self, key_ids: Collection[UUID]) -> dict[UUID, datetime | None]:
        """The usable ones of these keys, with their expiry: one query."""
        return dict(self.usable().filter(pk__in=key_ids).values_list("pk", "expires_at"))

    def note_use(self, key: "ApiKey") -> bool:
        """Write the last use, unless it is at most USE_STEP old. False: it is, or was written meanwhile."""
        now = timezone.now()
        if key.last_used_at is not None and now - key.last_used_at < USE_STEP:
            return False
        found = self.filter(pk=key.pk, last_used_at=key.last_used_at)
        return bool(found.update(last_used_at=now))

    def revoke(self) -> int:
        """End access. Returns the number of keys."""
        return self.filter(revoked_at=None).update(revoked_at=timezone.now())


class ApiKey(models.Model):
    """A key of the API, until it expires or is revoked. Only its digest is stored."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=NAME_CHARS)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=HINT_CHARS, editable=False)  # the text's end
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)  # USE_STEP exact
    expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} (…{self.hint})"

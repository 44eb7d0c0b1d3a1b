"""Make a user's sockets recheck their sessions when the password or `is_active` changes."""

from collections.abc import Collection
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.db.models.signals import post_save

from chat.transport.notifications import notify_owner_to_recheck

SESSION_FIELDS = {"password", "is_active"}  # sessions depend on these; a visit saves only `last_login`


def watch() -> None:
    """Receive every saved user."""
    post_save.connect(_saved, sender=settings.AUTH_USER_MODEL)


def _saved(
    instance: Model, *, created: bool, raw: bool, using: str, update_fields: Collection[str] | None, **_: Any
) -> None:
    """Notify the user's sockets after the commit; a failure does not undo the change.

    `raw`: a fixture, perhaps of many users.
    """
    if created or raw or (update_fields is not None and SESSION_FIELDS.isdisjoint(update_fields)):
        return

    def notify() -> None:
        async_to_sync(notify_owner_to_recheck)(instance.pk)

    transaction.on_commit(notify, using=using, robust=True)

"""Close a user's sockets when the account changes: a new password, an unusable one, or deactivation.

arrow in: Django's `post_save` of every user: from a form, the admin, a command or a shell
arrow out: `notifications`, to the user's sockets
"""

from collections.abc import Collection
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.db.models.signals import post_save

from chat.transport.notifications import notify_owner_to_recheck

SESSION_FIELDS = {"password", "is_active"}  # a session depends on these; a visit saves `last_login` alone


def watch() -> None:
    """Receive a signal for every saved user: the model is Django's, so no method of ours sees the change."""
    post_save.connect(_saved, sender=settings.AUTH_USER_MODEL)


def _saved(
    instance: Model, *, created: bool, raw: bool, using: str, update_fields: Collection[str] | None, **_: Any
) -> None:
    """Make the user's sockets re-check their sessions after the commit. A failure does not undo the change.

    `raw`: a fixture is loaded, possibly with many users.
    """
    if created or raw or (update_fields is not None and SESSION_FIELDS.isdisjoint(update_fields)):
        return

    def notify() -> None:
        async_to_sync(notify_owner_to_recheck)(instance.pk)

    transaction.on_commit(notify, using=using, robust=True)

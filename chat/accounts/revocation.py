"""A change of an account ends what is open under it: a new password, none any more, no longer active.

arrow in: Django, which tells of each user that is saved: by a form, the admin, a command, a shell
arrow out: `hints`, for the user's sockets
"""

from collections.abc import Collection
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.db.models.signals import post_save

from chat.transport.notifications import notify_owner_to_recheck

SIGN_IN = {"password", "is_active"}  # the fields that a session hangs on; a visit alone saves `last_login`


def watch() -> None:
    """Hear of every user that is saved from now on: the model is Django's, no method of ours could tell."""
    post_save.connect(_saved, sender=settings.AUTH_USER_MODEL)


def _saved(
    instance: Model, *, created: bool, raw: bool, using: str, update_fields: Collection[str] | None, **_: Any
) -> None:
    """Let the user's sockets look at their sessions, once the change can be seen. It is saved whatever comes.

    `raw`: a fixture is loaded, which may be many users.
    """
    if created or raw or (update_fields is not None and SIGN_IN.isdisjoint(update_fields)):
        return

    def tell() -> None:
        async_to_sync(notify_owner_to_recheck)(instance.pk)

    transaction.on_commit(tell, using=using, robust=True)

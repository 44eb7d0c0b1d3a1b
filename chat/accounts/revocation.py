"""React to a changed or deleted user at once: recheck the sockets' sessions, delete the logs.

Without these notifications the session watch closes the sockets, and the logs expire.
"""

import logging
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Model
from django.db.models.signals import post_save, pre_delete
from django.utils import timezone

from chat.transport import redis_client
from chat.transport.event_log import LIVE_SECS, Log, LogError
from chat.transport.notifications import notify_owner_to_recheck

SESSION_FIELDS = {"password", "is_active"}  # sessions depend on these; a visit saves only `last_login`

logger = logging.getLogger(__name__)


def watch() -> None:
    """Receive every saved and deleted user."""
    post_save.connect(_saved, sender=settings.AUTH_USER_MODEL)
    pre_delete.connect(_deleted, sender=settings.AUTH_USER_MODEL)


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


def _deleted(instance: Any, *, using: str, **_: Any) -> None:
    """Notify the user's sockets after the commit, and delete the logs of ended responses.

    Workers stop writing the others (`workers/supervision/withdrawal.py`).
    """
    # before the rows that refer to the user, as each question locks the user first
    get_user_model().objects.using(using).select_for_update().filter(pk=instance.pk).first()
    since = timezone.now() - timedelta(seconds=LIVE_SECS)
    rows = instance.responses.using(using).filter(ended_at__gt=since)
    owner_id, ended = (
        instance.pk,
        rows.wire_ids(),
    )

    def forget() -> None:
        async_to_sync(_forget)(owner_id, ended)

    transaction.on_commit(forget, using=using, robust=True)


async def _forget(owner_id: Any, ended: Collection[str]) -> None:
    await notify_owner_to_recheck(owner_id)
    try:
        async with redis_client.once() as redis:
            await Log(redis).delete(*ended)
    except LogError as error:
        logger.warning("logs of a deleted user expire later: %s", type(error).__name__)

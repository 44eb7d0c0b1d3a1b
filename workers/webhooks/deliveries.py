"""Deliver events to webhooks, beside the answers of this process.

At least once: the row is deleted after the receiver has accepted the event, and a worker that is lost before
leaves it to the next attempt. Receivers know a repetition by its `webhook-id`.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from datetime import timedelta
from weakref import WeakValueDictionary

from channels.db import database_sync_to_async
from django.db import transaction
from django.utils import timezone

from chat.transport.outages import UNAVAILABLE
from chat.webhook_models import Delivery, Webhook
from chat.webhooks import events
from chat.webhooks.schedule import delay, is_dead
from workers.webhooks.posting import Reply, post

AT_ONCE = 32
AT_ONCE_EACH = 4  # to one webhook: a slow one leaves places to others
MAX_BEGUN = 1_000  # further jobs are dropped: their messages are sent again
MAX_BEGUN_EACH = 10 * AT_ONCE_EACH  # the webhooks of one user together leave room to others
LEASE = timedelta(seconds=60)  # of an attempt; then its worker is lost

logger = logging.getLogger(__name__)


class Deliveries:
    """The jobs of one process, tasks of its event loop: the threads of Celery stay free for answers."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._places_each = WeakValueDictionary[str, asyncio.Semaphore]()
        self._begun: dict[tuple[int, int], asyncio.Task[None]] = {}  # by delivery and attempt
        self._begun_each = Counter[str]()

    async def begin(self, delivery_id: int, attempt: int, webhook_id: str) -> bool:
        """Begin an attempt, once, and return. False: too many have begun, in all or of this webhook."""
        name = delivery_id, attempt
        if name in self._begun:
            return True
        if len(self._begun) >= MAX_BEGUN or self._begun_each[webhook_id] >= MAX_BEGUN_EACH:
            return False
        self._begun_each[webhook_id] += 1
        self._begun[name] = asyncio.create_task(self._deliver(*name, webhook_id))
        self._begun[name].add_done_callback(lambda _: self._end(name, webhook_id))
        return True

    def _end(self, name: tuple[int, int], webhook_id: str) -> None:
        del self._begun[name]
        self._begun_each -= Counter([webhook_id])  # without those that have none

    async def _deliver(self, delivery_id: int, attempt: int, webhook_id: str) -> None:
        places = self._places_each.setdefault(webhook_id, asyncio.Semaphore(AT_ONCE_EACH))
        try:
            async with places, self._places:
                await deliver(delivery_id, attempt)
        except UNAVAILABLE as error:
            logger.warning("delivery %s is tried again later: %s", delivery_id, type(error).__name__)


async def deliver(delivery_id: int, attempt: int) -> None:
    """Claim an attempt, post, note the outcome. Raises `outages.UNAVAILABLE`."""
    claim = database_sync_to_async(Delivery.objects.claim, thread_sensitive=False)
    row = await claim(delivery_id, attempt, timezone.now() + LEASE)
    if row is not None:
        reply = await _post(row)
        await database_sync_to_async(_note, thread_sensitive=False)(row, reply)


async def _post(row: Delivery) -> Reply:
    content = events.body(row.event_id, row.type, row.created_at.timestamp(), row.response_id)
    headers = events.headers(row.event_id, content, row.webhook.secret, time.time())
    return await post(row.webhook.url, content, headers)


@transaction.atomic
def _note(row: Delivery, reply: Reply) -> None:
    if reply.accepted:
        Delivery.objects.filter(pk=row.pk).delete()
        Webhook.objects.note_success(row.webhook_id)
    else:
        _note_failure(row, reply)


def _note_failure(row: Delivery, reply: Reply) -> None:
    now, webhook = timezone.now(), row.webhook
    Webhook.objects.note_failure(webhook.pk, str(reply), now)
    wait = delay(row.attempts, random.random())  # noqa: S311 - no secret
    if is_dead(reply.status, webhook.failing_since, now):
        if Webhook.objects.disable(webhook.pk, now):
            logger.warning("webhook %s is disabled: %s", webhook.wire_id, reply)
    elif wait is None:
        Delivery.objects.filter(pk=row.pk, attempts=row.attempts).delete()
        logger.warning("webhook %s: event %s is given up: %s", webhook.wire_id, row.event_id, reply)
    else:
        Delivery.objects.postpone(row, now + wait)
        logger.info("webhook %s: event %s is not accepted: %s", webhook.wire_id, row.event_id, reply)

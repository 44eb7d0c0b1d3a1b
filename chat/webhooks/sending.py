"""Send the messages that have events delivered: when a response ends, and again for those that are due.

Celery's own delays are not used: on Redis a message that waits longer than the broker's visibility timeout is
delivered again and again, and a flushed broker loses it. So the row has the time of the next attempt, and the
worker that leads sends a message then.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

from channels.db import database_sync_to_async
from django.utils import timezone

from chat.transport import job_queue
from chat.transport.outages import UNAVAILABLE
from chat.webhook_models import Delivery

SECS = 2  # a slow broker must not hold up the caller
MAX_WAITING = 1_000  # messages; further ones are sent when there is room: perhaps no worker serves the queue
MAX_DUE = 200  # at once
SENT_AGAIN = timedelta(seconds=job_queue.DELIVERY_SECS)  # then a message may be lost

logger = logging.getLogger(__name__)


async def request_deliveries(deliveries: Sequence[Delivery]) -> None:
    """Enqueue the first attempts. Best effort: those without a message are due later."""
    if not deliveries:
        return
    try:
        async with asyncio.timeout(SECS):
            await asyncio.get_running_loop().run_in_executor(job_queue.THREADS, _send, deliveries)
    except UNAVAILABLE as error:
        event = deliveries[0].event_id
        logger.warning("event %s is delivered to webhooks later: %s", event, type(error).__name__)


async def send_due() -> int:
    """Enqueue attempts whose time has come. Returns their number. Raises `outages.UNAVAILABLE`."""
    due: list[Delivery] = await database_sync_to_async(_take_due, thread_sensitive=False)()
    if due:
        await asyncio.get_running_loop().run_in_executor(job_queue.THREADS, _send, due)
    return len(due)


def _take_due() -> list[Delivery]:
    now = timezone.now()
    return Delivery.objects.take_due(now, MAX_DUE, now + SENT_AGAIN)


def _send(deliveries: Sequence[Delivery]) -> None:
    room = MAX_WAITING - job_queue.waiting(job_queue.WEBHOOKS)
    for delivery in deliveries[: max(room, 0)]:
        job_queue.send_delivery(delivery.pk, delivery.attempts, delivery.webhook_id.hex)
    if room < len(deliveries):
        logger.warning("%s events wait for webhooks: no worker takes them in time", MAX_WAITING)

"""Enqueue a response, or an owner's held ones; find a queue position."""

import asyncio
import logging
from uuid import UUID

from channels.db import database_sync_to_async

from chat.models import Response, Status
from chat.protocol.errors import CommandError
from chat.responses.admission import owner_with_held, take_held
from chat.responses.model_catalog import QUEUE, catalog
from chat.transport import job_queue
from chat.transport.outages import UNAVAILABLE

MAX_POSITION = 100  # beyond it a position is `MAX_POSITION + 1`: counting a long queue is expensive
logger = logging.getLogger(__name__)


async def enqueue(response: Response) -> None:
    """Send the message that wakes a worker. Raises QueueError."""
    message = response.wire_id, queue_of(response.model)
    await asyncio.get_running_loop().run_in_executor(job_queue.THREADS, job_queue.send, *message)


async def send_next(response_id: UUID | str) -> None:
    """Send the held responses of this one's owner for which there is room now.

    Without Redis or database it is left to the reaper.
    """
    try:
        owner_id = await database_sync_to_async(owner_with_held, thread_sensitive=False)(response_id)
        if owner_id is not None:
            await send_held(owner_id)
    except UNAVAILABLE as error:
        logger.warning("after response %s: held ones are sent later: %s", response_id, type(error).__name__)


async def send_held(owner_id: int) -> None:
    """Send an owner's held responses for which there is room. Raises `outages.UNAVAILABLE`.

    One that is marked as sent and gets no message is found by the reaper.
    """
    try:
        rows = await database_sync_to_async(take_held, thread_sensitive=False)(owner_id)
    except CommandError:  # the owner is deleted, and so are they
        return
    for row in rows:
        await enqueue(row)


def queue_of(model_name: str) -> str:
    """A model's queue; of a removed model, the default one."""
    model = catalog().get(model_name)
    return model.queue if model else QUEUE


def position(response_id: str) -> int | None:
    """Count responses queued ahead, at most MAX_POSITION + 1; None if not queued. Blocks."""
    fields = ("owner_id", "queued_at", "sent_at", "model")
    row = Response.objects.filter(pk=response_id, status=Status.QUEUED).only(*fields).first()
    if row is None:
        return None
    queue = queue_of(row.model)
    ahead = Response.objects.ahead_of(row, [name for name in catalog() if queue_of(name) == queue])
    return ahead[: MAX_POSITION + 1].count()

"""Enqueue a response; find its queue position."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from chat.models import Response, Status
from chat.responses.model_catalog import QUEUE, catalog
from chat.transport import job_queue

THREADS = ThreadPoolExecutor(8, "enqueue")  # not the database's threads: a stalled broker must not hold them


async def enqueue(response: Response) -> None:
    """Send the message that wakes a worker. Raises QueueError."""
    message = str(response.id), queue_of(response.model)
    await asyncio.get_running_loop().run_in_executor(THREADS, job_queue.send, *message)


def queue_of(model_name: str) -> str:
    """A model's queue; of a removed model, the default one."""
    model = catalog().get(model_name)
    return model.queue if model else QUEUE


def position(response_id: str) -> int | None:
    """Count responses queued ahead; None if not queued. Blocks."""
    row = Response.objects.filter(pk=response_id, status=Status.QUEUED).only("queued_at", "model").first()
    if row is None:
        return None
    queue = queue_of(row.model)
    return Response.objects.ahead_of(row, [name for name in catalog() if queue_of(name) == queue])

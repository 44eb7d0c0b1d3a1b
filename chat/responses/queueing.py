"""Enqueue a response in its model's queue, and find its position there.

arrow in: `creation`, `streaming/subscriber.py`, the workers · arrow out: `transport/job_queue.py`
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from chat.models import Response, Status
from chat.responses.model_catalog import QUEUE, catalog
from chat.transport import job_queue

THREADS = ThreadPoolExecutor(8, "enqueue")  # not the database's: a broker that hangs must leave those free


async def enqueue(response: Response) -> None:
    """Send the message that wakes a worker. Raises QueueError when the broker does not take it."""
    message = str(response.id), queue_of(response.model)
    await asyncio.get_running_loop().run_in_executor(THREADS, job_queue.send, *message)


def queue_of(model_name: str) -> str:
    """The queue of a model; the default queue for a model that is no longer configured."""
    model = catalog().get(model_name)
    return model.queue if model else QUEUE


def position(response_id: str) -> int | None:
    """How many responses are queued before this one; None if it is not queued. Blocks."""
    row = Response.objects.filter(pk=response_id, status=Status.QUEUED).only("queued_at", "model").first()
    if row is None:
        return None
    queue = queue_of(row.model)
    return Response.objects.ahead_of(row, [name for name in catalog() if queue_of(name) == queue])

"""Which queue a response waits in, how it is enqueued, and how many wait before it.

arrow in: `creation`, `streaming/subscriber.py`, the workers · arrow out: `transport/job_queue.py`
"""

import asyncio

from chat.models import Response, Status
from chat.responses.model_catalog import QUEUE, catalog
from chat.transport import job_queue


async def enqueue(response: Response) -> None:
    """Wake a worker for the response. Raises QueueError when the broker does not take the message."""
    await asyncio.to_thread(job_queue.send, str(response.id), queue_of(response.model))


def queue_of(model_name: str) -> str:
    """The queue of a model; the default queue for a model that is no longer configured."""
    model = catalog().get(model_name)
    return model.queue if model else QUEUE


def position(response_id: str) -> int | None:
    """How many responses wait before this one in its queue; None if it is not queued. Blocks."""
    row = Response.objects.filter(pk=response_id, status=Status.QUEUED).only("queued_at", "model").first()
    if row is None:
        return None
    queue = queue_of(row.model)
    return Response.objects.ahead_of(row, [name for name in catalog() if queue_of(name) == queue])

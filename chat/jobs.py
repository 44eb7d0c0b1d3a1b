"""The job: a wake-up for a worker, by name, with an id and nothing else. The row is the truth.

arrow in: `consumers` · arrow out: the broker, then `workers/tasks.py`
"""

import asyncio

from celery import current_app, signature
from kombu.exceptions import OperationalError

from chat.catalog import QUEUE, catalog
from chat.models import Response, Status

GENERATE = "workers.generate"
# one quick second try; then whoever asked hears that we are busy
RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}

QueueError = OperationalError


async def enqueue(response: Response) -> None:
    """Wake a worker for the response. The job's id is the response's id.

    Raises QueueError when the broker does not take it.
    """
    await asyncio.to_thread(_enqueue, str(response.id), response.model)


def queue_of(model_name: str) -> str:
    """The queue of a model; of one that is not configured any more, the default."""
    model = catalog().get(model_name)
    return model.queue if model else QUEUE


def waiting(queue: str) -> int:
    """How many jobs wait in a queue. Blocks. Raises QueueError."""
    with current_app.connection_or_acquire() as broker:
        return int(broker.default_channel.queue_declare(queue).message_count)


def position(response_id: str) -> int | None:
    """How many responses wait before this one in its queue; None: it does not wait. Blocks."""
    row = Response.objects.filter(pk=response_id, status=Status.QUEUED).only("queued_at", "model").first()
    if row is None:
        return None
    queue = queue_of(row.model)
    return Response.objects.ahead_of(row, [name for name in catalog() if queue_of(name) == queue])


def _enqueue(response_id: str, model_name: str) -> None:
    job = signature(GENERATE, args=[response_id])
    job.apply_async(task_id=response_id, queue=queue_of(model_name), retry_policy=RETRY_POLICY)

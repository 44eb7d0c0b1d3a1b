"""The job: a wake-up for a worker, by name, with an id and nothing else. The row is the truth.

arrow in: `consumers` · arrow out: the broker, then `workers/tasks.py`
"""

import asyncio

from celery import signature
from kombu.exceptions import OperationalError

from chat.catalog import QUEUE, catalog
from chat.models import Response

GENERATE = "workers.generate"
# one quick second try; then whoever asked hears that we are busy
RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}

QueueError = OperationalError


async def enqueue(response: Response) -> None:
    """Wake a worker for the response. The job's id is the response's id.

    Raises QueueError when the broker does not take it.
    """
    await asyncio.to_thread(_enqueue, str(response.id), response.model)


def _enqueue(response_id: str, model_name: str) -> None:
    model = catalog().get(model_name)
    job = signature(GENERATE, args=[response_id])
    job.apply_async(
        task_id=response_id,
        queue=model.queue if model else QUEUE,
        retry_policy=RETRY_POLICY,
    )

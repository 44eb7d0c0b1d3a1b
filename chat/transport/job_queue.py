"""The job queue: Celery messages that wake a worker. Each carries one response id; the row is the truth.

arrow in: `responses/queueing.py` · arrow out: the broker, then `workers/tasks.py`
"""

from celery import current_app, signature
from kombu.exceptions import OperationalError

GENERATE = "workers.generate"
# one retry at once, so that the caller soon knows that the broker is unavailable
RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}

QueueError = OperationalError


def send(response_id: str, queue: str) -> None:
    """Send the message of a response; the task's id is the response's id. Blocks. Raises QueueError."""
    message = signature(GENERATE, args=[response_id])
    message.apply_async(task_id=response_id, queue=queue, retry_policy=RETRY_POLICY)


def waiting(queue: str) -> int:
    """Count the messages in a queue. Blocks. Raises QueueError."""
    with current_app.connection_or_acquire() as broker:
        return int(broker.default_channel.queue_declare(queue).message_count)

"""The job queues: Celery messages that wake a worker, of ids alone. The row is the truth."""

from celery import current_app, signature
from kombu.exceptions import OperationalError

GENERATE = "workers.generate"
TITLE = "workers.title"
TITLES = "titles"  # the queue of the titles' jobs
TITLE_SECS = 3_600  # a worker drops an older job: titles of a day would delay those of new answers
# one immediate retry: the caller soon learns of an outage
RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}

QueueError = OperationalError


def send(response_id: str, queue: str) -> None:
    """Send a response's message; task id = response id. Blocks. Raises QueueError."""
    message = signature(GENERATE, args=[response_id])
    message.apply_async(task_id=response_id, queue=queue, retry_policy=RETRY_POLICY)


def send_title(conversation_id: str) -> None:
    """Send the message that has a conversation named. Blocks. Raises QueueError."""
    message = signature(TITLE, args=[conversation_id])
    message.apply_async(queue=TITLES, expires=TITLE_SECS, retry_policy=RETRY_POLICY)


def waiting(queue: str) -> int:
    """Count a queue's messages. Blocks. Raises QueueError."""
    with current_app.connection_or_acquire() as broker:
        return int(broker.default_channel.queue_declare(queue).message_count)

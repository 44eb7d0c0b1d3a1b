"""The job queues: Celery messages that wake a worker, of ids alone. The row is the truth."""

from concurrent.futures import ThreadPoolExecutor

from celery import current_app, signature
from kombu.exceptions import OperationalError

GENERATE = "workers.generate"
TITLE = "workers.title"
TITLES = "titles"  # the queue of the titles' jobs
DELIVER = "workers.deliver"
WEBHOOKS = "webhooks"  # the queue of the deliveries' jobs
DELIVERY_SECS = 30  # a worker drops an older job: another is sent then
TITLE_SECS = 3_600  # a worker drops an older job: titles of a day would delay those of new answers
# one immediate retry: the caller soon learns of an outage
RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}

QueueError = OperationalError
THREADS = ThreadPoolExecutor(8, "enqueue")  # not the database's threads: a stalled broker must not hold them


def send(response_id: str, queue: str) -> None:
    """Send a response's message; task id = response id. Blocks. Raises QueueError."""
    message = signature(GENERATE, args=[response_id])
    message.apply_async(task_id=response_id, queue=queue, retry_policy=RETRY_POLICY)


def send_title(conversation_id: str) -> None:
    """Send the message that has a conversation named. Blocks. Raises QueueError."""
    message = signature(TITLE, args=[conversation_id])
    message.apply_async(queue=TITLES, expires=TITLE_SECS, retry_policy=RETRY_POLICY)


def send_delivery(delivery_id: int, attempt: int, webhook_id: str) -> None:
    """Send the message that has an event delivered. Blocks. Raises QueueError."""
    message = signature(DELIVER, args=[delivery_id, attempt, webhook_id])
    message.apply_async(queue=WEBHOOKS, expires=DELIVERY_SECS, retry_policy=RETRY_POLICY)


def waiting(queue: str) -> int:
    """Count a queue's messages. Blocks. Raises QueueError."""
    with current_app.connection_or_acquire() as broker:
        return int(broker.default_channel.queue_declare(queue).message_count)

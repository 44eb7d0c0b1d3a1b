"""What is raised when a part that we need is away: Redis, the broker or the database."""

from django.db import Error

from chat.transport.channel_layer import LayerError
from chat.transport.event_log import LogError
from chat.transport.job_queue import QueueError

UNAVAILABLE = (
    LogError,
    LayerError,
    QueueError,
    Error,
    OSError,
)  # OSError: what a socket or a time limit raises

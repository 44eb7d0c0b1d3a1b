"""What is raised when a part that we need is away: Redis, the broker or the database."""

from django.db import Error

from chat.jobs import QueueError
from chat.layer import LayerError
from chat.log import LogError

AWAY = (LogError, LayerError, QueueError, Error, OSError)  # OSError: what a socket or a time limit raises

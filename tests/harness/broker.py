"""Read the messages that wait in the broker's queues."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from redis import Redis

from chat.transport.redis_keys import prefixed


@dataclass(frozen=True)
class Message:
    """A message in a queue."""

    task: str
    id: str
    args: list[Any]
    expires: str | None = None  # ISO 8601


@dataclass(frozen=True)
class Broker:
    """The queues of a Redis that is Celery's broker."""

    url: str

    def jobs(self, queue: str = "responses") -> list[Message]:
        """Return the waiting messages, the oldest first."""
        with Redis.from_url(self.url) as redis:
            messages = [json.loads(text) for text in reversed(redis.lrange(prefixed(queue), 0, -1))]
        return [
            Message(
                message["headers"]["task"],
                message["headers"]["id"],
                json.loads(base64.b64decode(message["body"]))[0],
                message["headers"]["expires"],
            )
            for message in messages
        ]

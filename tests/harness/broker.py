"""Read the messages that wait in the broker's queues."""

import base64
import json
from dataclasses import dataclass
from types import TracebackType

from redis import Redis


@dataclass(frozen=True)
class Message:
    """A message in a queue."""

    task: str
    id: str
    args: list[str]


class Broker:
    """The queues of a Redis that is Celery's broker."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url)

    def __enter__(self) -> "Broker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._redis.close()

    def jobs(self, queue: str = "responses") -> list[Message]:
        """Return the waiting messages, the oldest first."""
        messages = [json.loads(text) for text in reversed(self._redis.lrange(queue, 0, -1))]
        return [
            Message(
                message["headers"]["task"],
                message["headers"]["id"],
                json.loads(base64.b64decode(message["body"]))[0],
            )
            for message in messages
        ]

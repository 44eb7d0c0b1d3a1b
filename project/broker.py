"""kombu's Redis transport, which drops messages that it cannot read.

The original raises: the worker ends, and so does the next one that gets such a message.
"""

import logging
from queue import Empty
from typing import Any

from kombu.exceptions import KombuError
from kombu.transport import TRANSPORT_ALIASES, redis, virtual

# JSON, its coding or its depth
UNDECODABLE = (ValueError, RecursionError)
MALFORMED = (KeyError, TypeError, ValueError, AttributeError, KombuError)
JSON = "application/json"
TIMES = ("eta", "expires")  # Celery parses them outside its own error handling

logger = logging.getLogger(__name__)


class Channel(redis.Channel):
    """Takes messages from queues."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]  # not in the stubs
        except UNDECODABLE as error:
            logger.error("a message that is no JSON is dropped: %s", type(error).__name__)
            raise Empty from error


class Transport(redis.Transport):
    """Delivers messages to Celery."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str | None) -> None:
        if fault := _fault(message, self.channels[0] if self.channels else None):
            logger.error("a malformed message of the queue %s is dropped: %s", queue, fault)
            return
        try:
            super()._deliver(message, queue)
        except MALFORMED as error:  # by Celery; a response without its message is enqueued again
            logger.exception("a message of the queue %s is dropped: %s", queue, type(error).__name__)


def _fault(payload: Any, channel: Any) -> str:
    """The reason why Celery would fail on this message, or empty. Other messages than tasks it refuses."""
    try:
        message = virtual.Message(payload, channel=channel)
        return _task_fault(message) if "task" in message.headers else ""
    except MALFORMED as error:
        return type(error).__name__


def _task_fault(message: Any) -> str:
    headers = message.headers
    if message.content_type != JSON or not all(isinstance(headers[name], str) for name in ("id", "task")):
        return "a task without an id or a name, or no JSON"
    if wrong := [name for name in TIMES if not isinstance(headers.get(name), str | None)]:
        return f"its {wrong[0]} is no time"
    if not isinstance(message.delivery_tag, str):
        return "its delivery tag is no text"
    if not isinstance(headers.get("timelimit"), list | None):
        return "its time limits are no list"
    args, kwargs, embedded = message.payload
    right = isinstance(args, list) and isinstance(kwargs, dict) and isinstance(embedded, dict)
    return "" if right else "its body is no task's"


def install() -> None:
    """Use it for redis:// and rediss://."""
    name = f"{__name__}:{Transport.__name__}"
    TRANSPORT_ALIASES.update(redis=name, rediss=name)

"""Outages of Redis, broker or database: their errors, and retries."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from django.db import Error

from chat.transport.channel_layer import LayerError
from chat.transport.event_log import LogError
from chat.transport.job_queue import QueueError

# OSError: sockets and time limits
UNAVAILABLE = (LogError, LayerError, QueueError, Error, OSError)

T = TypeVar("T")
logger = logging.getLogger(__name__)


async def retry(
    what: str,
    work: Callable[[], Awaitable[T]],
    every_secs: float,
    for_secs: float = math.inf,
    errors: tuple[type[Exception], ...] = UNAVAILABLE,
) -> T:
    """Return `work()`. On one of `errors`, log that `what` failed, and call again.

    After `for_secs` the error is raised.
    """
    give_up_at = time.monotonic() + for_secs
    while True:
        try:
            return await work()
        except errors as error:
            if time.monotonic() > give_up_at:
                raise
            logger.warning("%s: %s, trying again", what, type(error).__name__)
            await asyncio.sleep(every_secs)

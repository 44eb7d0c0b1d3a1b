"""Repeat cancellations: on Python 3.11 a Redis command can swallow one.

redis-py sends in `asyncio.wait_for`, which ignores there a cancellation that comes just after the sending.
"""

import asyncio
from collections.abc import Iterable

REPEAT_SECS = 0.5  # before a running task is cancelled again


async def cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks until all have ended."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=REPEAT_SECS)

"""Repeat cancellations: on Python 3.11 a completing Redis command can swallow one."""

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

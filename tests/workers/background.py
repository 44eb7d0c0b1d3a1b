"""Work beside a test."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from chat.transport.task_cancellation import cancel
from tests.harness.waiting import deadline

T = TypeVar("T")


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run the work until the block ends; what broke it, breaks the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        if task.done():
            task.result()
        await cancel([task])


async def in_time(task: asyncio.Task[T]) -> T:
    """The result of a task that must end by itself: `wait_for` would cancel it."""
    async with asyncio.timeout(deadline()):
        return await asyncio.shield(task)

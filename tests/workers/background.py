"""Work that goes on beside a test."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from chat.transport.task_cancellation import cancel

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


async def within(secs: float, task: asyncio.Task[T]) -> T:
    """The result of a task that must end in time. It is not helped: `wait_for` would cancel it."""
    async with asyncio.timeout(secs):
        return await asyncio.shield(task)

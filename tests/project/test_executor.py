"""The threads: as many as configured, and the same for every request."""

import asyncio
import threading
from typing import Any

from project.executor import THREADS, Executor
from tests.harness.waiting import deadline


async def test_a_loop_has_all_its_threads_from_the_first_request_on() -> None:
    together = threading.Barrier(THREADS)  # passes only if all are there at once

    async def application(scope: Any, receive: Any, send: Any) -> None:
        async with asyncio.timeout(deadline()):
            await asyncio.gather(*(asyncio.to_thread(together.wait, deadline()) for _ in range(THREADS)))

    await Executor(application)({}, None, None)


async def test_the_threads_stay_the_same_ones() -> None:
    executors: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        executors.append(asyncio.get_running_loop()._default_executor)  # type: ignore[attr-defined]  # no getter

    served = Executor(application)
    for _ in range(5):
        await served({}, None, None)
    assert executors[0] is not None
    assert all(executor is executors[0] for executor in executors)

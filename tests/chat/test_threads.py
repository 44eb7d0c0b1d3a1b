"""The threads: enough for those who wait and those who do not."""

import asyncio
import threading
from typing import Any

from chat.threads import THREADS, Threads


async def test_a_loop_has_so_many_threads_from_the_first_request_on() -> None:
    together = threading.Barrier(THREADS)  # passes only if all are there at once

    async def application(scope: Any, receive: Any, send: Any) -> None:
        async with asyncio.timeout(10):
            await asyncio.gather(*(asyncio.to_thread(together.wait, 10) for _ in range(THREADS)))

    await Threads(application)({}, None, None)


async def test_the_threads_stay_the_same_ones() -> None:
    names: set[str] = set()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        names.add(await asyncio.to_thread(lambda: threading.current_thread().name))

    served = Threads(application)
    for _ in range(5):
        await served({}, None, None)
    assert len(names) == 1

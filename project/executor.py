"""Enough threads in a web process for a locked database not to stop every socket."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakSet

# more than a pool has PostgreSQL connections: a thread waits for one (`project/postgres/serving.py`)
THREADS = 32

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


class Executor:
    """Gives its event loop enough threads."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._loops: WeakSet[asyncio.AbstractEventLoop] = WeakSet()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Set the executor once, then serve."""
        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            loop.set_default_executor(ThreadPoolExecutor(THREADS, "web"))
            self._loops.add(loop)
        await self._application(scope, receive, send)

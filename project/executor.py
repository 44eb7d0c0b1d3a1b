"""The threads of a web process: enough that a locked database does not stop every socket.

Every read and write of a row runs in the event loop's default executor. asyncio gives that four threads more
than there are cores: on a small machine, half a dozen commands that wait for a lock would use them all.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakSet

THREADS = 32  # each has a database connection while it works, so three processes fit PostgreSQL's hundred

Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


class Executor:
    """An ASGI application that gives its event loop enough threads, whichever server runs it."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._loops: WeakSet[asyncio.AbstractEventLoop] = WeakSet()  # with those threads

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Set the event loop's executor at the first call, then serve."""
        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            loop.set_default_executor(ThreadPoolExecutor(THREADS, "web"))
            self._loops.add(loop)
        await self._application(scope, receive, send)

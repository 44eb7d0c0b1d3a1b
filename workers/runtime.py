"""The one event loop of a worker process, in a thread of its own, and what lives on it.

It owns the connections to Redis, to the channel layer and to the models. Celery's threads do the
database work and wait here for the streaming; none of them holds a database connection meanwhile.
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from channels.layers import get_channel_layer

from chat.ids import new_id
from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.heartbeats import Figures, Heartbeats
from chat.transport.task_cancellation import cancel
from workers.generation.attempts import Attempts
from workers.generation.publisher import Publisher
from workers.providers.openai_compatible import Provider
from workers.supervision.cancellations import listen
from workers.supervision.heartbeat import Heartbeat
from workers.supervision.reaper import Reaper

logger = logging.getLogger(__name__)

AGAIN_SECS = 1  # before a background task that broke is begun again
Result = TypeVar("Result")


class Runtime:
    """The loop and what runs on it. `start`, `run` and `stop` are for other threads."""

    attempts: Attempts

    def __init__(self) -> None:
        self.worker_id = new_id().hex
        self._name = ""
        self._about: Figures = {}
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._background: list[asyncio.Task[None]] = []
        self.claimed: list[str] = []  # what this process has claimed and not yet settled, each per attempt

    def start(self, name: str = "", **about: Any) -> asyncio.AbstractEventLoop:
        """Start the loop, once; `name` is the worker's in Flower, `about` is what its beats tell besides."""
        with self._lock:
            if self._loop is None:
                self._name, self._about = name, about
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_serve, args=[self._loop], name="runtime", daemon=True).start()
                asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
            return self._loop

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine on the loop, and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self.start()).result()

    @contextmanager
    def holding(self, response_id: str) -> Iterator[None]:
        """Tell the others that this process works on a response, until its row is settled."""
        self.claimed.append(response_id)
        try:
            yield
        finally:
            self.claimed.remove(response_id)

    def drain(self, seconds: float) -> None:
        """Let the answers go on for so long, then hand them over. Returns at once, for signal handlers."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.call_later, seconds, self.attempts.hand_over)

    def stop(self) -> None:
        """Leave the list of the living, and close every connection."""
        with self._lock:
            if self._loop is not None:
                asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._loop = None

    async def _open(self) -> None:
        log, provider = Log(redis_client.client()), Provider()
        publisher = Publisher(log)
        self.attempts = Attempts(log, provider, publisher)
        self._liveness = Heartbeats(redis_client.client())
        reaper = Reaper(self.worker_id, self._liveness, log)
        beat = Heartbeat(
            self.worker_id, self._name, self.claimed, self.attempts, self._liveness, reaper, self._about
        )
        work = (publisher.run, beat.run, reaper.run, lambda: listen(self.attempts))
        self._background = [asyncio.create_task(_for_ever(each)) for each in work]

    async def _close(self) -> None:
        await cancel(self._background)
        await asyncio.gather(
            self._liveness.leave(self.worker_id),
            self.attempts.provider.close(),
            get_channel_layer().flush(),
            return_exceptions=True,
        )
        await redis_client.close()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    """Run the loop until somebody stops it."""
    loop.run_forever()
    loop.close()


async def _for_ever(work: Callable[[], Awaitable[None]]) -> None:
    """Keep a background task running: one that breaks would leave every answer waiting."""
    while True:
        try:
            await work()
        except Exception:
            logger.exception("a background task of the worker broke; it begins again")
        await asyncio.sleep(AGAIN_SECS)


runtime = Runtime()

"""A worker process's event loop, in a thread."""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from channels.layers import get_channel_layer
from django.db import connections

from chat.ids import new_id
from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.heartbeats import Heartbeats, WorkerStatus
from chat.transport.task_cancellation import cancel
from workers.generation.attempts import Attempts
from workers.generation.publisher import Publisher
from workers.generation.titles import Titles
from workers.programs.tracebacks import described
from workers.providers.openai_compatible import Provider
from workers.supervision.cancellations import listen
from workers.supervision.heartbeat import Heartbeat
from workers.supervision.reaper import Reaper
from workers.supervision.resender import Resender
from workers.supervision.run_canceller import RunCanceller
from workers.supervision.tidier import Tidier
from workers.webhooks.deliveries import Deliveries

logger = logging.getLogger(__name__)

STUCK_SECS = 30  # since a heartbeat began; one that waits for Redis takes less
RESTART_SECS = 1  # before a failed background task restarts
Result = TypeVar("Result")


class Runtime:
    """The loop and its background tasks. Other threads call its public methods."""

    _attempts: Attempts  # of the running loop, as the next
    _titles: Titles
    _deliveries: Deliveries

    def __init__(self) -> None:
        self.worker_id = new_id().hex
        self._name = ""
        self._about: WorkerStatus = {}
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._background: list[asyncio.Task[None]] = []
        self._heartbeat: Heartbeat | None = None
        self.claimed: list[str] = []  # claimed and unsettled, one per attempt

    def start(self, name: str = "", **about: Any) -> asyncio.AbstractEventLoop:
        """Start the loop, once. `name`: in Flower; `about`: more heartbeat figures."""
        with self._lock:
            if self._loop is None:
                self._name, self._about = name, about
                self._loop = asyncio.new_event_loop()
                self._loop.set_exception_handler(_log_unhandled)
                threading.Thread(target=_serve, args=[self._loop], name="runtime", daemon=True).start()
                asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
            return self._loop

    @property
    def attempts(self) -> Attempts:
        """The attempts of the loop, which starts if it does not run."""
        self.start()
        return self._attempts

    @property
    def titles(self) -> Titles:
        """The naming of conversations on the loop, which starts if it does not run."""
        self.start()
        return self._titles

    @property
    def deliveries(self) -> Deliveries:
        """The deliveries to webhooks on the loop, which starts if it does not run."""
        self.start()
        return self._deliveries

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine on the loop; wait for its result, without a database connection.

        A coroutine may need one: with all of a pool held by waiting threads, none would get it.
        """
        connections.close_all()
        return asyncio.run_coroutine_threadsafe(work, self.start()).result()

    @contextmanager
    def holding(self, response_id: str) -> Iterator[None]:
        """Report a response as claimed in heartbeats, until its row is settled."""
        self.claimed.append(response_id)
        try:
            yield
        finally:
            self.claimed.remove(response_id)

    def is_alive(self) -> bool:
        """Whether the loop runs, by the local clock; Redis does not matter. True before the start."""
        heartbeat = self._heartbeat
        return heartbeat is None or time.monotonic() - heartbeat.ran_at < STUCK_SECS

    def drain(self, seconds: float) -> None:
        """Hand over what still runs after `seconds`. Returns at once, for signal handlers."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.call_later, seconds, self._attempts.hand_over)

    def stop(self) -> None:
        """Remove the heartbeat, close all connections."""
        with self._lock:
            if self._loop is not None:
                asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._loop = None

    async def _open(self) -> None:
        log, provider = Log(redis_client.client()), Provider()
        publisher = Publisher(log)
        self._attempts = Attempts(log, provider, publisher)
        self._titles = Titles(provider)
        self._deliveries = Deliveries()
        self._heartbeats = Heartbeats(redis_client.client())
        reaper = Reaper(self.worker_id, self._heartbeats, log)
        self._heartbeat = heartbeat = Heartbeat(
            self.worker_id, self._name, self.claimed, self._attempts, self._heartbeats, reaper, self._about
        )
        tidier = Tidier(self.worker_id, self._heartbeats)
        resender = Resender(self.worker_id, self._heartbeats)
        canceller = RunCanceller(self.worker_id, self._heartbeats, self._attempts.runs, provider)
        lasting = (publisher, heartbeat, reaper, tidier, resender, canceller)
        works = [*(part.run for part in lasting), lambda: listen(self._attempts)]
        self._background = [asyncio.create_task(_run_for_ever(work)) for work in works]

    async def _close(self) -> None:
        await cancel(self._background)
        await asyncio.gather(
            self._heartbeats.leave(self.worker_id),
            self._attempts.provider.close(),
            get_channel_layer().flush(),
            return_exceptions=True,
        )
        await redis_client.close()


def _log_unhandled(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error that no task awaits, without the texts that asyncio would log."""
    error = context.get("exception")
    what = described(error) if error else context["message"]
    logger.error("an error in the event loop: %s", what)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    """Run the loop until it is stopped, also after a task of a program that would end the process."""
    while True:
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt) as error:  # asyncio lets only these end the loop
            logger.error("a task raised %s, the event loop runs again", type(error).__name__)
        else:
            break
    loop.close()


async def _run_for_ever(work: Callable[[], Awaitable[None]]) -> None:
    """Restart a failed background task; without it attempts would hang."""
    while True:
        try:
            await work()
        except Exception:
            logger.exception("a background task of the worker failed and is started again")
        await asyncio.sleep(RESTART_SECS)


runtime = Runtime()

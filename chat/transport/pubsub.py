"""One Redis pub/sub connection that keeps its subscriptions across reconnects.

One task connects, subscribes, reads, and restarts after an error: redis-py's `PubSub` reconnects inside one
call, while others wait.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Iterable
from typing import Any

from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisError

from chat.transport.task_cancellation import cancel

HEALTH_SECS = 10  # of silence before a PING, and for its reply
CONNECT_SECS = 4  # also for HELLO, which redis-py does not limit
BACKOFF = ExponentialWithJitterBackoff(cap=1, base=0.05)  # a restarted Redis is found within a second

logger = logging.getLogger(__name__)

Deliver = Callable[[str, bytes], None]


class PubSubConnection:
    """The subscribed channels of one Redis."""

    def __init__(self, pool: Any, deliver: Deliver) -> None:
        self._pool, self._deliver = pool, deliver
        self._channels: dict[str, asyncio.Event] = {}  # set: Redis has confirmed
        self._requested: set[str] = set()  # SUBSCRIBE was sent
        self._removed: set[str] = set()  # UNSUBSCRIBE is to be sent
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self._pinged = False  # a PING awaits its reply
        self._due_at = 0.0  # loop time of the next PING or time-out

    def subscribe(self, channel: str) -> asyncio.Event:
        """Subscribe without waiting; Redis's confirmation sets the event."""
        confirmed = self._channels.setdefault(channel, asyncio.Event())
        self._changed.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return confirmed

    def unsubscribe(self, channel: str) -> None:
        """Unsubscribe without waiting."""
        self._channels.pop(channel, None)
        if channel in self._requested:  # subscribing again must send SUBSCRIBE again
            self._requested.remove(channel)
            self._removed.add(channel)
            self._changed.set()

    async def close(self) -> None:
        """Unsubscribe from everything; close the connection."""
        self._channels.clear()
        if self._task is not None:
            await cancel([self._task])
            self._task = None
        await self._pool.disconnect()

    async def _run(self) -> None:
        while True:
            try:
                await self._connect_and_serve()
            except (RedisError, OSError) as error:
                if not self._failures:
                    logger.warning("the pub/sub connection is lost: %s", type(error).__name__)
                self._failures += 1
            finally:
                self._reset()
            await asyncio.sleep(BACKOFF.compute(self._failures))

    async def _connect_and_serve(self) -> None:
        async with asyncio.timeout(CONNECT_SECS):
            connection = await self._pool.get_connection()
        self._postpone_ping()
        reading = asyncio.create_task(self._read(connection))
        reading.add_done_callback(lambda _: self._changed.set())
        try:
            while not reading.done():
                self._changed.clear()
                await self._send_changes(connection)
                await self._wait_for_change(connection)
            await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await connection.disconnect(nowait=True)
            await self._pool.release(connection)

    async def _send_changes(self, connection: Any) -> None:
        removed, self._removed = self._removed, set()
        await self._send(connection, "UNSUBSCRIBE", removed)
        new = self._channels.keys() - self._requested
        self._requested |= new
        await self._send(connection, "SUBSCRIBE", new)

    async def _send(self, connection: Any, command: str, arguments: Iterable[str]) -> None:
        if arguments:
            async with asyncio.timeout(HEALTH_SECS):  # its buffer may be full
                await connection.send_command(command, *arguments, check_health=False)

    async def _wait_for_change(self, connection: Any) -> None:
        """Wait for changed channels. Raises TimeoutError if a PING gets no reply.

        Changes do not postpone the PING: they may come too often.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._due_at):
                await self._changed.wait()
                return
        if self._pinged:
            message = "Redis does not reply"
            raise TimeoutError(message)
        self._pinged = True
        self._due_at = asyncio.get_running_loop().time() + HEALTH_SECS
        await self._send(connection, "PING", [""])

    async def _read(self, connection: Any) -> None:
        while True:
            reply = await connection.read_response(timeout=math.inf, push_request=True)
            self._failures = 0
            self._postpone_ping()
            match reply:
                case [b"message", name, data]:
                    self._deliver(name.decode(), data)
                case [b"subscribe", name, _] if name.decode() in self._channels:
                    self._channels[name.decode()].set()

    def _postpone_ping(self) -> None:
        self._pinged, self._due_at = False, asyncio.get_running_loop().time() + HEALTH_SECS

    def _reset(self) -> None:
        self._requested.clear()
        self._removed.clear()
        self._pinged = False
        for confirmed in self._channels.values():
            confirmed.clear()

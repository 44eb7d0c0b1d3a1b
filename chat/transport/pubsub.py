"""One connection to Redis that is subscribed to what is wanted, as long as Redis is there.

arrow in: `layer` wants channels, and drops them
arrow out: each message of theirs, to `deliver`

redis-py's own `PubSub` connects again inside of whichever call meets the broken connection, and the others
wait behind it. Here one task owns the connection: it connects, subscribes, hears, and begins again after an
error.
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

HEALTH_SECS = 10  # after so much silence it asks whether the other end is there, and waits as long again
CONNECT_SECS = 4  # and to say hello: redis-py bounds only the first of the two
BACKOFF = ExponentialWithJitterBackoff(cap=1, base=0.05)  # a Redis that is back is found within a second

logger = logging.getLogger(__name__)

Deliver = Callable[[str, bytes], None]


class PubSubConnection:
    """The channels that are wanted of one Redis. `deliver` takes a channel and one message."""

    def __init__(self, pool: Any, deliver: Deliver) -> None:
        self._pool, self._deliver = pool, deliver
        self._wanted: dict[str, asyncio.Event] = {}  # set once Redis has confirmed
        self._asked: set[str] = set()  # on this connection
        self._dropped: set[str] = set()  # of what was asked
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self._silent = False  # our last question was not answered yet
        self._due_at = 0.0  # when the other end must have said something, on the loop's clock

    async def subscribed(self, channel: str) -> None:
        """Want a channel; returns when Redis has confirmed. Whoever gives up waiting wants it still."""
        await self.subscribe(channel).wait()

    def subscribe(self, channel: str) -> asyncio.Event:
        """Want a channel, and wait for nothing; the event is set once Redis has confirmed."""
        confirmed = self._wanted.setdefault(channel, asyncio.Event())
        self._changed.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return confirmed

    def unsubscribe(self, channel: str) -> None:
        """Want a channel no more."""
        self._wanted.pop(channel, None)
        if channel in self._asked:  # who wants it again at once asks again
            self._asked.remove(channel)
            self._dropped.add(channel)
            self._changed.set()

    async def close(self) -> None:
        """Want nothing, and close the connection."""
        self._wanted.clear()
        if self._task is not None:
            await cancel([self._task])
            self._task = None
        await self._pool.disconnect()

    async def _run(self) -> None:
        while True:
            try:
                await self._connected()
            except (RedisError, OSError) as error:
                if not self._failures:
                    logger.warning("the subscription is lost: %s", type(error).__name__)
                self._failures += 1
            finally:
                self._forget()
            await asyncio.sleep(BACKOFF.compute(self._failures))

    async def _connected(self) -> None:
        """Connect, ask for what is wanted and hear, until an error."""
        async with asyncio.timeout(CONNECT_SECS):
            connection = await self._pool.get_connection()
        self._heard()
        hearing = asyncio.create_task(self._hear(connection))
        hearing.add_done_callback(lambda _: self._changed.set())
        try:
            while not hearing.done():
                self._changed.clear()
                await self._ask(connection)
                await self._change(connection)
            await hearing
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)
            await connection.disconnect(nowait=True)
            await self._pool.release(connection)

    async def _ask(self, connection: Any) -> None:
        """Tell Redis what is dropped, and then what is wanted and was not yet asked for."""
        dropped, self._dropped = self._dropped, set()
        await self._say(connection, "UNSUBSCRIBE", dropped)
        new = self._wanted.keys() - self._asked
        self._asked |= new
        await self._say(connection, "SUBSCRIBE", new)

    async def _say(self, connection: Any, command: str, channels: Iterable[str]) -> None:
        if channels:
            async with asyncio.timeout(HEALTH_SECS):  # its buffer may be full
                await connection.send_command(command, *channels, check_health=False)

    async def _change(self, connection: Any) -> None:
        """Wait for a change of what is wanted. Raises TimeoutError when the other end does not answer.

        Changes do not put the question off: they may come faster than answers are due.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._due_at):
                await self._changed.wait()
                return
        if self._silent:
            message = "Redis is mute"
            raise TimeoutError(message)
        self._silent = True
        self._due_at = asyncio.get_running_loop().time() + HEALTH_SECS
        await self._say(connection, "PING", [""])

    async def _hear(self, connection: Any) -> None:
        while True:
            reply = await connection.read_response(timeout=math.inf, push_request=True)
            self._failures = 0
            self._heard()
            match reply:
                case [b"message", name, data]:
                    self._deliver(name.decode(), data)
                case [b"subscribe", name, _] if name.decode() in self._wanted:
                    self._wanted[name.decode()].set()

    def _heard(self) -> None:
        """The other end is there: it need not be asked for a while."""
        self._silent, self._due_at = False, asyncio.get_running_loop().time() + HEALTH_SECS

    def _forget(self) -> None:
        """The connection is lost: nothing is asked, and nothing confirmed."""
        self._asked.clear()
        self._dropped.clear()
        self._silent = False
        for confirmed in self._wanted.values():
            confirmed.clear()

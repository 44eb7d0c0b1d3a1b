"""The Redis client of logs and heartbeats: one per event loop.

redis-py's defaults fail at the first broken connection and wait forever on an unresponsive one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError, ReadOnlyError  # noqa: A004 - redis-py's name

from chat.conf import conf

CONNECT_SECS = 2  # Redis is near: a slower one is unavailable
ANSWER_SECS = 4  # per command: a client gets "busy" within 5 s
RETRIES = 3  # of broken connections, not time-outs; callers handle longer outages
MAX_CONNECTIONS = 100  # enough to keep Redis, and this process, busy
WAIT_SECS = 10  # for a connection, beyond them
# a connection is closed after each; of a demoted primary it would stay, and refuse every write
RETRIED = (ConnectionError, ReadOnlyError)

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Redis] = WeakKeyDictionary()


class WaitingPool(ConnectionPool):
    """A pool that waits for a free connection: after a reconnect all readers read their logs at once.

    Not redis-py's `BlockingConnectionPool`: on Python 3.11 it loses a wake-up whose receiver is cancelled.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._free = asyncio.Semaphore(self.max_connections)

    async def get_connection(self, *args: Any, **options: Any) -> Any:
        """Take a connection, in turn. Raises ConnectionError after WAIT_SECS."""
        try:
            async with asyncio.timeout(WAIT_SECS):
                await self._free.acquire()
        except TimeoutError as error:
            message = f"no connection to Redis was free for {WAIT_SECS} s"
            raise ConnectionError(message) from error
        take: Any = super().get_connection
        return await take(*args, **options)  # on an error it releases the connection

    async def release(self, connection: AbstractConnection) -> None:
        """Return a connection."""
        try:
            await super().release(connection)
        finally:
            self._free.release()


def client() -> Redis:
    """The running loop's client."""
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = connect(conf.LOG_URL)
    return _clients[loop]


@asynccontextmanager
async def once() -> AsyncIterator[Redis]:
    """A client for one piece of work, on a loop that may end right after it."""
    async with connect(conf.LOG_URL) as redis:
        yield redis


def connect(url: str) -> Redis:
    """A client; it connects when used."""
    backoff = ExponentialWithJitterBackoff(cap=1, base=0.05)
    pool = WaitingPool.from_url(
        url,
        decode_responses=True,
        socket_connect_timeout=CONNECT_SECS,
        socket_timeout=ANSWER_SECS,
        max_connections=MAX_CONNECTIONS,
        retry=Retry(backoff, RETRIES, supported_errors=RETRIED),
    )
    return Redis.from_pool(pool)


async def close() -> None:
    """Close the running loop's client."""
    redis = _clients.pop(asyncio.get_running_loop(), None)
    if redis is not None:
        await redis.aclose()

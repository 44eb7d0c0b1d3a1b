"""The Redis client of the log and of the heartbeats: one per event loop, with time limits and retries.

Without them redis-py fails at the first broken connection, and waits for ever on an unresponsive one.
"""

import asyncio
from weakref import WeakKeyDictionary

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError  # noqa: A004 - the name that redis-py gave it

from chat.conf import conf

CONNECT_SECS = 2  # Redis is near: one that needs longer is unavailable
ANSWER_SECS = 4  # the longest that a command may take: a client gets "busy" within 5 s
RETRIES = 3  # of broken connections, not of time-outs; a longer outage is the caller's to handle
MAX_CONNECTIONS = 1000  # the default of 100 is fewer than one busy web process can need

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Redis] = WeakKeyDictionary()


def client() -> Redis:
    """The client of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = Redis.from_url(
            conf.REDIS_URL,
            decode_responses=True,
            socket_connect_timeout=CONNECT_SECS,
            socket_timeout=ANSWER_SECS,
            max_connections=MAX_CONNECTIONS,
            retry=Retry(
                ExponentialWithJitterBackoff(cap=1, base=0.05), RETRIES, supported_errors=(ConnectionError,)
            ),
        )
    return _clients[loop]


async def close() -> None:
    """Close the client of the running event loop."""
    redis = _clients.pop(asyncio.get_running_loop(), None)
    if redis is not None:
        await redis.aclose()

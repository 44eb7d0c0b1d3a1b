"""The channel layer: groups over Redis pub/sub.

Concurrent publishes share a pipeline, in order; one task (`pubsub.py`) subscribes for all channels.
"""

import asyncio
import contextlib
import socket
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer, RedisSingleShardConnection
from channels_redis.utils import _wrap_close, create_pool, decode_hosts
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisError

from chat.transport.pubsub import PubSubConnection

MAX_CONNECTIONS = 1000  # default: 100
MAX_WAITING = 1000  # messages per channel; beyond it the reader reads the log
PUBLISH_SECS = 5  # an unresponsive Redis must not block later notifications
HEALTH_SECS = 10
# a primary that became a replica takes PUBLISH, and few hear it: connect again to where the address leads
RENEW_SECS = 60
SUBSCRIBE_SECS = 2  # then a join fails, in time for its caller's report
OPEN_SECS = 1  # a socket opens without Redis: its own channel can wait
RETRIES = 12  # about 10 s of back-off: enough for a Redis restart
UNANSWERED_MS = 10_000  # without acknowledgement: the peer is dead

LayerError = RedisError
Publish = tuple[str, bytes, asyncio.Future[None]]


class PipelinedShard(RedisSingleShardConnection):
    """One Redis of the layer."""

    def __init__(self, host: dict[str, Any], channel_layer: Any) -> None:
        super().__init__(host, channel_layer)
        self._outbox: list[Publish] = []
        self._sender: asyncio.Task[None] | None = None
        self._renew_at = 0.0  # loop time
        once = host | {"retry": Retry(ExponentialWithJitterBackoff(), 0)}  # PubSubConnection reconnects
        self._subscriptions = PubSubConnection(create_pool(once), self._deliver)

    async def subscribe(self, channel: str) -> None:
        """Subscribe. Raises TimeoutError in an outage, and subscribes later."""
        async with asyncio.timeout(SUBSCRIBE_SECS):
            await self._subscriptions.subscribe(channel).wait()

    def subscribe_nowait(self, channel: str) -> None:
        """Subscribe without waiting."""
        self._subscriptions.subscribe(channel)

    async def unsubscribe(self, channel: str) -> None:
        """Unsubscribe without waiting."""
        self._subscriptions.unsubscribe(channel)

    def _deliver(self, name: str, data: bytes) -> None:
        queues = self.channel_layer.channels
        for channel in (name,) if name in queues else self.channel_layer.groups.get(name, ()):
            queue = queues.get(channel)
            if queue is not None and queue.qsize() < MAX_WAITING:
                queue.put_nowait(data)

    async def publish(self, channel: str, message: bytes) -> None:
        """Publish in a shared pipeline; return when Redis has it."""
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._outbox.append((channel, message, sent))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())
        await sent

    async def _send(self) -> None:
        while self._outbox:
            batch, self._outbox = self._outbox, []
            try:
                await self._publish_all(batch)
            except Exception as error:  # noqa: BLE001 - raised in every caller of this batch
                _fail(batch, error)
            except asyncio.CancelledError:
                self._outbox = batch + self._outbox  # flush fails them
                raise

    async def _publish_all(self, batch: list[Publish]) -> None:
        self._ensure_redis()
        pipe = self._redis.pipeline(transaction=False)
        for channel, message, sent in batch:
            if not sent.done():  # its caller may have given up
                pipe.publish(channel, message)
        async with asyncio.timeout(PUBLISH_SECS):  # the connection has no time limit
            await self._renew()
            await pipe.execute()
        for _, _, sent in batch:
            if not sent.done():
                sent.set_result(None)

    async def _renew(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._renew_at:
            self._renew_at = now + RENEW_SECS
            await self._redis.connection_pool.disconnect(inuse_connections=False)

    async def flush(self) -> None:
        """Stop, and close the connections."""
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)
        unsent, self._outbox = self._outbox, []
        _fail(unsent, ConnectionError("the channel layer was closed"))
        await self._subscriptions.close()
        await super().flush()


def _fail(batch: list[Publish], error: Exception) -> None:
    for _, _, sent in batch:
        if not sent.done():
            sent.set_exception(error)


class PipelinedLoopLayer(RedisPubSubLoopLayer):
    """The layer of one event loop."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._shards: list[PipelinedShard] = [
            PipelinedShard(host, self) for host in decode_hosts(kwargs["hosts"])
        ]

    async def group_add(self, group: str, channel: str) -> None:
        """Join a group. After an error the channel is no member."""
        try:
            await super().group_add(group, channel)
        except BaseException:
            await self.group_discard(group, channel)
            raise

    def group_join(self, group: str, channel: str) -> None:
        """Join without waiting; messages arrive once Redis has confirmed."""
        name = self._get_group_channel_name(group)
        self.groups.setdefault(name, set()).add(channel)
        self._get_shard(name).subscribe_nowait(name)

    async def drop_channel(self, channel: str) -> None:
        """Remove a channel and its queue, in any state of its reader."""
        if self.channels.pop(channel, None) is not None:
            await self._get_shard(channel).unsubscribe(channel)

    async def _subscribe_to_channel(self, channel: str) -> None:
        """Create a channel; other processes' messages may come a little later."""
        self.channels[channel] = asyncio.Queue()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OPEN_SECS):
                await self._get_shard(channel).subscribe(channel)


class PipelinedChannelLayer(RedisPubSubChannelLayer):
    """The CHANNEL_LAYERS backend. `hosts`: Redis URLs that share the groups."""

    def __init__(self, hosts: list[str], **kwargs: Any) -> None:
        super().__init__(hosts=[_bounded(url) for url in hosts], **kwargs)

    def _get_layer(self) -> RedisPubSubLoopLayer:
        loop = asyncio.get_running_loop()
        if loop not in self._layers:
            self._layers[loop] = PipelinedLoopLayer(**self._kwargs, channel_layer=self)
            _wrap_close(self, loop)  # flushes the layer before the loop closes
        layer: RedisPubSubLoopLayer = self._layers[loop]
        return layer


def _bounded(url: str) -> dict[str, Any]:
    return {
        "address": url,
        "socket_timeout": None,  # a pub/sub connection may stay silent
        "socket_connect_timeout": 2,
        "health_check_interval": HEALTH_SECS,
        "retry": Retry(ExponentialWithJitterBackoff(cap=1, base=0.05), RETRIES),
        "max_connections": MAX_CONNECTIONS,
    } | ({} if url.startswith("unix:") else {"socket_keepalive_options": _keepalive()})


def _keepalive() -> dict[int, int]:
    """Socket options to detect a dead peer, where available."""
    options = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": UNANSWERED_MS}
    return {getattr(socket, name): value for name, value in options.items() if hasattr(socket, name)}

"""The channel layer: groups over Redis pub/sub. Publishes share round trips, and nobody waits in line.

The stock pub/sub layer sends one PUBLISH or SUBSCRIBE at a time under a lock, and tries each for ten seconds
while Redis is away. Here every `group_send` of one moment goes out in one pipeline; while it is under way the
next ones gather; order is kept. One task (`pubsub.py`) subscribes for everybody.

A hint that is lost is no harm: the log is the truth.
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

MAX_CONNECTIONS = 1000  # redis-py stops at 100 otherwise
MAX_WAITING = 1000  # messages for one channel whose reader is busy; it reads the log after a gap
PUBLISH_SECS = 5  # a Redis that accepts and stays mute must not stop all later hints
HEALTH_SECS = 10  # an idle connection asks whether the other end is there
SUBSCRIBE_SECS = 2  # who joins a group hears of a Redis that is away while it still can say so itself
OPEN_SECS = 1  # a socket opens without Redis: its groups are what it needs
RETRIES = 12  # about 10 s of back-off: a Redis that restarts is back by then
UNANSWERED_MS = 10_000  # a peer that acknowledges nothing for so long is dead

LayerError = RedisError  # what sending raises when Redis is away
Publish = tuple[str, bytes, asyncio.Future[None]]


class PipelinedShard(RedisSingleShardConnection):
    """One Redis of the layer."""

    def __init__(self, host: dict[str, Any], channel_layer: Any) -> None:
        super().__init__(host, channel_layer)
        self._outbox: list[Publish] = []
        self._sender: asyncio.Task[None] | None = None
        once = host | {"retry": Retry(ExponentialWithJitterBackoff(), 0)}  # it has its own way to come back
        self._subscription = PubSubConnection(create_pool(once), self._deliver)

    async def subscribe(self, channel: str) -> None:
        """Want the channel. Raises TimeoutError when Redis is away; it is subscribed when that is back."""
        async with asyncio.timeout(SUBSCRIBE_SECS):
            await self._subscription.subscribed(channel)

    def note(self, channel: str) -> None:
        """Want the channel, whether Redis is there or not."""
        self._subscription.subscribe(channel)

    async def unsubscribe(self, channel: str) -> None:
        """Want the channel no more; nobody waits for that."""
        self._subscription.unsubscribe(channel)

    def _deliver(self, name: str, data: bytes) -> None:
        """Give a message to whoever is here: the channel of that name, or the channels of that group."""
        queues = self.channel_layer.channels
        for channel in (name,) if name in queues else self.channel_layer.groups.get(name, ()):
            queue = queues.get(channel)
            if queue is not None and queue.qsize() < MAX_WAITING:
                queue.put_nowait(data)

    async def publish(self, channel: str, message: bytes) -> None:
        """Publish with whatever else is published now; returns when Redis has it."""
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
            except Exception as error:  # noqa: BLE001 - whatever it is belongs to those who wait
                _fail(batch, error)
            except asyncio.CancelledError:
                self._outbox = batch + self._outbox  # flush tells them
                raise

    async def _publish_all(self, batch: list[Publish]) -> None:
        self._ensure_redis()
        pipe = self._redis.pipeline(transaction=False)
        for channel, message, sent in batch:
            if not sent.done():  # whoever sent it may have given up
                pipe.publish(channel, message)
        async with asyncio.timeout(PUBLISH_SECS):  # the connection itself knows no limit
            await pipe.execute()
        for _, _, sent in batch:
            if not sent.done():
                sent.set_result(None)

    async def flush(self) -> None:
        """Stop sending and receiving, and close the connections."""
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)
        unsent, self._outbox = self._outbox, []
        _fail(unsent, ConnectionError("the channel layer was closed"))
        await self._subscription.close()
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
        """Join a group, or be no member of it: then this raises what the shard does."""
        try:
            await super().group_add(group, channel)
        except BaseException:
            await self.group_discard(group, channel)
            raise

    def group_join(self, group: str, channel: str) -> None:
        """Be a member of a group from now on, and wait for nothing: without Redis it is heard later."""
        name = self._get_group_channel_name(group)
        self.groups.setdefault(name, set()).add(channel)
        self._get_shard(name).note(name)

    async def drop_channel(self, channel: str) -> None:
        """Forget a channel of our own, wherever its reader was when it ended."""
        if self.channels.pop(channel, None) is not None:
            await self._get_shard(channel).unsubscribe(channel)

    async def _subscribe_to_channel(self, channel: str) -> None:
        """Make a channel of our own. It is there at once; it may be heard from elsewhere a little later."""
        self.channels[channel] = asyncio.Queue()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OPEN_SECS):
                await self._get_shard(channel).subscribe(channel)


class PipelinedChannelLayer(RedisPubSubChannelLayer):
    """What CHANNEL_LAYERS names. `hosts` is a list of Redis URLs: groups are spread over them."""

    def __init__(self, hosts: list[str], **kwargs: Any) -> None:
        super().__init__(hosts=[_bounded(url) for url in hosts], **kwargs)

    def _get_layer(self) -> RedisPubSubLoopLayer:
        loop = asyncio.get_running_loop()
        if loop not in self._layers:
            self._layers[loop] = PipelinedLoopLayer(**self._kwargs, channel_layer=self)
            _wrap_close(self, loop)  # it flushes the layer before the loop closes
        layer: RedisPubSubLoopLayer = self._layers[loop]
        return layer


def _bounded(url: str) -> dict[str, Any]:
    return {
        "address": url,
        "socket_timeout": None,  # a subscription is silent for as long as nobody speaks
        "socket_connect_timeout": 2,
        "health_check_interval": HEALTH_SECS,
        "retry": Retry(ExponentialWithJitterBackoff(cap=1, base=0.05), RETRIES),
        "max_connections": MAX_CONNECTIONS,
    } | ({} if url.startswith("unix:") else {"socket_keepalive_options": _keepalive()})


def _keepalive() -> dict[int, int]:
    """How the kernel finds out that the other end is gone, where it knows these options."""
    options = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": UNANSWERED_MS}
    return {getattr(socket, name): value for name, value in options.items() if hasattr(socket, name)}

"""The channel layer: groups over Redis pub/sub, with publishes that share round trips.

The stock pub/sub layer sends one PUBLISH at a time under a lock. Here every `group_send` of one moment
goes out in one pipeline; while it is under way the next ones gather. Order is kept.

A hint that is lost is no harm: the log is the truth.
"""

import asyncio
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer, RedisSingleShardConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisError

MAX_CONNECTIONS = 1000  # redis-py stops at 100 otherwise
PUBLISH_SECS = 5  # a Redis that accepts and stays mute must not stop all later hints
HEALTH_SECS = 10  # an idle subscription asks whether the other end is there
RETRIES = 12  # about 10 s of back-off: a Redis that restarts is back by then

LayerError = RedisError  # what sending raises when Redis is away
Publish = tuple[str, bytes, asyncio.Future[None]]


class PipelinedShard(RedisSingleShardConnection):
    """One Redis of the layer."""

    def __init__(self, host: dict[str, Any], channel_layer: Any) -> None:
        super().__init__(host, channel_layer)
        self._outbox: list[Publish] = []
        self._sender: asyncio.Task[None] | None = None

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
        await super().flush()


def _fail(batch: list[Publish], error: Exception) -> None:
    for _, _, sent in batch:
        if not sent.done():
            sent.set_exception(error)


class PipelinedChannelLayer(RedisPubSubChannelLayer):
    """What CHANNEL_LAYERS names. `hosts` is a list of Redis URLs: groups are spread over them."""

    def __init__(self, hosts: list[str], **kwargs: Any) -> None:
        super().__init__(hosts=[_bounded(url) for url in hosts], **kwargs)

    def _get_layer(self) -> RedisPubSubLoopLayer:
        layer = super()._get_layer()
        if not isinstance(layer._shards[0], PipelinedShard):
            layer._shards = [PipelinedShard(shard.host, layer) for shard in layer._shards]
        return layer


def _bounded(url: str) -> dict[str, Any]:
    return {
        "address": url,
        "socket_timeout": None,  # a subscription is silent for as long as nobody speaks
        "socket_connect_timeout": 2,
        "health_check_interval": HEALTH_SECS,
        "retry": Retry(ExponentialWithJitterBackoff(cap=1, base=0.05), RETRIES),
        "max_connections": MAX_CONNECTIONS,
    }

"""The pub/sub connection, on a real Valkey that stops, freezes and restarts."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import ConnectionPool, Redis

from chat.transport import pubsub
from chat.transport.pubsub import PubSubConnection
from project.up import ports, valkey
from tests.harness.valkey import running
from tests.harness.waiting import await_until, deadline

WAIT_SECS = 30


class Subscriber:
    """A pub/sub connection, and the messages that it received."""

    def __init__(self, port: int) -> None:
        self.url = valkey.url(port)
        self.received: list[tuple[str, bytes]] = []
        self.pool: ConnectionPool = ConnectionPool.from_url(self.url)
        self.connection = PubSubConnection(self.pool, lambda name, data: self.received.append((name, data)))

    async def subscribed(self, *channels: str) -> None:
        async with asyncio.timeout(deadline()):
            await asyncio.gather(*(self.connection.subscribe(channel).wait() for channel in channels))

    async def publish(self, channel: str, data: bytes = b"data") -> int:
        """Return how many received it."""
        async with Redis.from_url(self.url) as client:
            return int(await client.publish(channel, data))

    async def until_received(self, count: int) -> None:
        await await_until(lambda: len(self.received) >= count, WAIT_SECS, f"{count} messages are received")


@pytest.fixture
def port() -> int:
    """The port of a Valkey that a test may start."""
    return ports.pick_free()


@pytest.fixture
async def subscriber(port: int) -> AsyncIterator[Subscriber]:
    subscriber = Subscriber(port)
    yield subscriber
    await subscriber.connection.close()


async def test_messages_arrive_once_the_subscription_is_confirmed(
    subscriber: Subscriber, port: int, tmp_path: Path
) -> None:
    with running(tmp_path, port):
        await subscriber.subscribed("a", "b")
        assert [await subscriber.publish(name) for name in "abc"] == [1, 1, 0]
        await subscriber.until_received(2)
    assert subscriber.received == [("a", b"data"), ("b", b"data")]


async def test_an_unsubscribed_channel_receives_nothing(
    subscriber: Subscriber, port: int, tmp_path: Path
) -> None:
    with running(tmp_path, port):
        await subscriber.subscribed("a")
        subscriber.connection.unsubscribe("a")
        await subscriber.subscribed("b")
        assert await subscriber.publish("a") == 0
        await subscriber.subscribed("a")
        assert await subscriber.publish("a") == 1


async def test_a_channel_unsubscribed_and_subscribed_at_once_receives_messages(
    subscriber: Subscriber, port: int, tmp_path: Path
) -> None:
    with running(tmp_path, port):
        await subscriber.subscribed("a")
        for _ in range(3):
            subscriber.connection.unsubscribe("a")
            await subscriber.subscribed("a")
            assert await subscriber.publish("a") == 1


async def test_many_subscriptions_at_once_are_one_command(
    subscriber: Subscriber, port: int, tmp_path: Path
) -> None:
    with running(tmp_path, port):
        await subscriber.subscribed(*map(str, range(300)))
        async with Redis.from_url(subscriber.url) as client:
            figures: Any = await client.info("commandstats")
        assert figures["cmdstat_subscribe"]["calls"] <= 2


async def test_a_subscription_made_without_redis_is_confirmed_when_it_is_there(
    subscriber: Subscriber, port: int, tmp_path: Path
) -> None:
    waiting = asyncio.create_task(subscriber.subscribed("a"))
    await await_until(lambda: subscriber.connection._failures > 1, WAIT_SECS, "connecting fails")
    with running(tmp_path, port):
        await waiting
        assert await subscriber.publish("a") == 1


async def test_everything_is_subscribed_again_when_redis_comes_back(
    subscriber: Subscriber, port: int, tmp_path: Path
) -> None:
    with running(tmp_path, port):
        await subscriber.subscribed("a", "b")
    subscriber.connection.unsubscribe("b")
    with running(tmp_path, port):

        async def again() -> bool:
            return await subscriber.publish("a") == 1

        await await_until(again, WAIT_SECS, "it is subscribed again")
        assert await subscriber.publish("b") == 0


async def test_an_unresponsive_redis_is_noticed_and_reconnected(
    subscriber: Subscriber, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pubsub, "HEALTH_SECS", 0.1)
    monkeypatch.setattr(pubsub, "CONNECT_SECS", 0.1)
    with running(tmp_path, port) as own:
        await subscriber.subscribed("a")
        own.freeze()
        await await_until(lambda: subscriber.connection._failures > 1, WAIT_SECS, "the silence is noticed")
        monkeypatch.setattr(pubsub, "HEALTH_SECS", deadline())
        monkeypatch.setattr(pubsub, "CONNECT_SECS", deadline())
        own.thaw()
        await subscriber.subscribed("a", "b")
        assert await subscriber.publish("a") == 1


@pytest.mark.slow
async def test_an_unresponsive_redis_is_noticed_however_often_subscriptions_change(
    subscriber: Subscriber, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pubsub, "HEALTH_SECS", 0.2)
    with running(tmp_path, port) as own:
        await subscriber.subscribed("a")
        own.freeze()

        def noticed() -> bool:
            subscriber.connection._channels[f"new {len(subscriber.connection._channels)}"] = asyncio.Event()
            subscriber.connection._changed.set()  # far more often than a PING is due
            return subscriber.connection._failures > 0

        await await_until(noticed, WAIT_SECS, "the silence is noticed")
        own.thaw()


async def test_a_connection_that_is_only_idle_is_kept(
    subscriber: Subscriber, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pubsub, "HEALTH_SECS", deadline())
    with running(tmp_path, port):
        await subscriber.subscribed("a")
        (connection,) = subscriber.pool._in_use_connections
        before = connection._writer  # another one after a reconnect
        async with Redis.from_url(subscriber.url) as client:

            async def pinged() -> bool:
                if not subscriber.connection._pinged:  # each reply is awaited, however late it is
                    subscriber.connection._due_at = 0
                    subscriber.connection._changed.set()
                figures: Any = await client.info("commandstats")
                return int(figures.get("cmdstat_ping", {}).get("calls", 0)) > 5

            await client.config_resetstat()
            await await_until(pinged, WAIT_SECS, "a few PINGs are sent")
        assert connection._writer is before is not None
        assert await subscriber.publish("a") == 1


async def test_a_close_unsubscribes_and_leaves_no_connection(
    subscriber: Subscriber, port: int, tmp_path: Path
) -> None:
    with running(tmp_path, port):
        await subscriber.subscribed("a")
        await subscriber.connection.close()
        assert await subscriber.publish("a") == 0
        await subscriber.subscribed("b")  # it can be used again
        assert [await subscriber.publish(name) for name in "ab"] == [0, 1]

"""The subscription, on a real Valkey that goes away, falls mute and comes back."""

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
from tests.harness.waiting import await_until

WAIT_SECS = 5


class Hearer:
    """A subscription, and what it heard."""

    def __init__(self, port: int) -> None:
        self.url = valkey.url(port)
        self.heard: list[tuple[str, bytes]] = []
        self.pool: ConnectionPool = ConnectionPool.from_url(self.url)
        self.subscription = PubSubConnection(self.pool, lambda name, data: self.heard.append((name, data)))

    async def subscribed(self, *channels: str) -> None:
        async with asyncio.timeout(WAIT_SECS):
            await asyncio.gather(*(self.subscription.subscribed(channel) for channel in channels))

    async def publish(self, channel: str, data: bytes = b"data") -> int:
        """Returns how many heard it."""
        async with Redis.from_url(self.url) as client:
            return int(await client.publish(channel, data))

    async def until_heard(self, count: int) -> None:
        async def enough() -> bool:
            return len(self.heard) >= count

        await await_until(enough, WAIT_SECS, f"{count} messages are heard")


@pytest.fixture
def port() -> int:
    """Where a Valkey is, or is not."""
    return ports.pick_free()


@pytest.fixture
async def hearer(port: int) -> AsyncIterator[Hearer]:
    hearer = Hearer(port)
    yield hearer
    await hearer.subscription.close()


async def test_what_is_wanted_is_heard_once_it_is_confirmed(
    hearer: Hearer, port: int, tmp_path: Path
) -> None:
    with running(tmp_path, port):
        await hearer.subscribed("a", "b")
        assert [await hearer.publish(name) for name in "abc"] == [1, 1, 0]
        await hearer.until_heard(2)
    assert hearer.heard == [("a", b"data"), ("b", b"data")]


async def test_what_is_dropped_is_not_heard_any_more(hearer: Hearer, port: int, tmp_path: Path) -> None:
    with running(tmp_path, port):
        await hearer.subscribed("a")
        hearer.subscription.unsubscribe("a")
        await hearer.subscribed("b")
        assert await hearer.publish("a") == 0
        await hearer.subscribed("a")
        assert await hearer.publish("a") == 1


async def test_what_is_dropped_and_wanted_in_one_moment_is_heard(
    hearer: Hearer, port: int, tmp_path: Path
) -> None:
    with running(tmp_path, port):
        await hearer.subscribed("a")
        for _ in range(3):
            hearer.subscription.unsubscribe("a")
            await hearer.subscribed("a")
            assert await hearer.publish("a") == 1


async def test_many_wants_of_one_moment_are_one_command(hearer: Hearer, port: int, tmp_path: Path) -> None:
    with running(tmp_path, port):
        await hearer.subscribed(*map(str, range(300)))
        async with Redis.from_url(hearer.url) as client:
            figures: Any = await client.info("commandstats")
        assert figures["cmdstat_subscribe"]["calls"] <= 2


async def test_who_waits_for_a_redis_that_is_away_is_confirmed_when_it_comes(
    hearer: Hearer, port: int, tmp_path: Path
) -> None:
    waiting = asyncio.create_task(hearer.subscribed("a"))

    async def tried() -> bool:
        return hearer.subscription._failures > 1

    await await_until(tried, WAIT_SECS, "it has tried in vain")
    with running(tmp_path, port):
        await waiting
        assert await hearer.publish("a") == 1


async def test_everything_is_subscribed_again_when_redis_comes_back(
    hearer: Hearer, port: int, tmp_path: Path
) -> None:
    with running(tmp_path, port):
        await hearer.subscribed("a", "b")
    hearer.subscription.unsubscribe("b")
    with running(tmp_path, port):

        async def again() -> bool:
            return await hearer.publish("a") == 1

        await await_until(again, WAIT_SECS, "it is subscribed again")
        assert await hearer.publish("b") == 0


async def test_a_redis_that_falls_mute_is_noticed_and_found_again(
    hearer: Hearer, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pubsub, "HEALTH_SECS", 0.1)
    monkeypatch.setattr(pubsub, "CONNECT_SECS", 0.1)
    with running(tmp_path, port) as own:
        await hearer.subscribed("a")
        own.freeze()

        async def noticed() -> bool:
            return hearer.subscription._failures > 1

        await await_until(noticed, WAIT_SECS, "the silence is noticed")
        own.thaw()
        await hearer.subscribed("a", "b")
        assert await hearer.publish("a") == 1


async def test_a_mute_redis_is_noticed_however_often_the_wishes_change(
    hearer: Hearer, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pubsub, "HEALTH_SECS", 0.2)
    with running(tmp_path, port) as own:
        await hearer.subscribed("a")
        own.freeze()

        async def noticed() -> bool:
            hearer.subscription._wanted[f"wish {len(hearer.subscription._wanted)}"] = asyncio.Event()
            hearer.subscription._changed.set()  # far more often than answers are due
            return hearer.subscription._failures > 0

        await await_until(noticed, WAIT_SECS, "the silence is noticed")
        own.thaw()


async def test_a_connection_that_is_only_idle_is_kept(
    hearer: Hearer, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pubsub, "HEALTH_SECS", 0.05)
    with running(tmp_path, port):
        await hearer.subscribed("a")
        (connection,) = hearer.pool._in_use_connections
        before = connection._writer  # another one after a reconnect
        async with Redis.from_url(hearer.url) as client:

            async def asked() -> bool:
                figures: Any = await client.info("commandstats")
                return int(figures.get("cmdstat_ping", {}).get("calls", 0)) > 5

            await client.config_resetstat()
            await await_until(asked, WAIT_SECS, "it has asked a few times")
        assert connection._writer is before is not None
        assert await hearer.publish("a") == 1


async def test_a_close_wants_nothing_and_leaves_no_connection(
    hearer: Hearer, port: int, tmp_path: Path
) -> None:
    with running(tmp_path, port):
        await hearer.subscribed("a")
        await hearer.subscription.close()
        assert await hearer.publish("a") == 0
        await hearer.subscribed("b")  # and it can be used again
        assert [await hearer.publish(name) for name in "ab"] == [0, 1]

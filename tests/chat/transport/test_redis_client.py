"""The Redis client: one per event loop, and none that waits for ever."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pytest_django import Settings
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError
from redis.exceptions import TimeoutError as RedisTimeoutError

from chat.transport import redis_client
from chat.transport.event_log import Batch, Log
from tests.harness import valkey
from tests.harness.processes import free_port
from tests.harness.waiting import await_until, deadline


async def test_an_event_loop_has_one_client(redis_url: str) -> None:
    assert redis_client.client() is redis_client.client()


async def test_another_event_loop_has_another_client(redis_url: str) -> None:
    async def other() -> int:
        try:
            await redis_client.client().set("k", "v")
            return id(redis_client.client())
        finally:
            await redis_client.close()

    mine = redis_client.client()
    assert await asyncio.to_thread(asyncio.run, other()) != id(mine)
    assert await mine.get("k") == "v"


async def test_after_a_close_there_is_a_fresh_client(redis_url: str) -> None:
    closed = redis_client.client()
    await redis_client.close()
    await redis_client.close()  # harmless
    assert redis_client.client() is not closed
    assert await redis_client.client().ping()


async def test_a_broken_connection_is_made_again(redis_url: str) -> None:
    await redis_client.client().set("k", "v")
    async with Redis.from_url(redis_url) as other:
        await other.client_kill_filter(_type="normal", skipme=True)
    assert await redis_client.client().get("k") == "v"


@pytest.fixture
async def demoted(settings: Settings, tmp_path: Path) -> AsyncIterator[Redis]:
    """A client of a primary that became a replica; it stays connected."""
    with valkey.running(tmp_path) as own:
        valkey.use(settings, own.url)
        connected = redis_client.client()
        await connected.ping()
        async with Redis.from_url(own.url) as operator:
            await operator.replicaof("127.0.0.1", free_port())
        yield connected
        await redis_client.close()


async def ids(demoted: Redis) -> set[str]:
    return {each["id"] for each in await demoted.client_list(_type="normal")}


async def test_a_primary_that_became_a_replica_is_left(demoted: Redis) -> None:
    before = await ids(demoted)
    with pytest.raises(ReadOnlyError):
        await demoted.set("k", "v")
    assert not before & await ids(demoted)


async def test_a_log_leaves_it_too(demoted: Redis) -> None:
    before = await ids(demoted)
    with pytest.raises(ReadOnlyError):
        await Log(demoted).restore(Batch("r", 0, ["a"]), attempt=1)
    assert not before & await ids(demoted)


async def test_an_unresponsive_redis_times_out(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_client, "ANSWER_SECS", 0.05)
    monkeypatch.setattr(redis_client, "RETRIES", 1)
    with socket.create_server(("127.0.0.1", 0)) as listener:  # accepts in the kernel, and never replies
        settings.TAILRACE_LOG_URL = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        with pytest.raises(RedisTimeoutError):
            await asyncio.wait_for(redis_client.client().ping(), deadline())
        await redis_client.close()


async def test_commands_beyond_the_connections_wait_for_one(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await redis_client.close()
    monkeypatch.setattr(redis_client, "MAX_CONNECTIONS", 2)
    redis = redis_client.client()
    before = (await redis.info("stats"))["total_connections_received"]
    assert set(await asyncio.gather(*(redis.incr("n") for _ in range(50)))) == set(range(1, 51))
    assert (await redis.info("stats"))["total_connections_received"] == before + 1


@pytest.fixture
async def busy(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Redis]:
    """A client whose only connection waits for the list `go`."""
    await redis_client.close()
    monkeypatch.setattr(redis_client, "MAX_CONNECTIONS", 1)
    monkeypatch.setattr(redis_client, "ANSWER_SECS", deadline())
    redis = redis_client.client()
    blocking = asyncio.ensure_future(redis.blpop(["go"]))
    async with Redis.from_url(redis_url) as other:
        await await_until(lambda: _blocked(other), 5, "the connection is busy")
        yield redis
        await other.rpush("go", "1")
    await blocking


async def _blocked(redis: Redis) -> bool:
    return bool((await redis.info("clients"))["blocked_clients"])


async def test_a_command_does_not_wait_forever_for_a_connection(
    busy: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_client, "WAIT_SECS", 0.01)
    with pytest.raises(RedisConnectionError, match="no connection to Redis was free"):
        await busy.ping()


async def test_a_cancelled_command_leaves_its_turn_to_the_next(busy: Redis, redis_url: str) -> None:
    cancelled, next_one = asyncio.ensure_future(busy.ping()), asyncio.ensure_future(busy.ping())
    await asyncio.sleep(0)  # both wait
    cancelled.cancel()
    async with Redis.from_url(redis_url) as other:
        await other.rpush("go", "1")
        async with asyncio.timeout(deadline()):
            assert await next_one
    assert cancelled.cancelled()


async def test_a_failed_connection_is_free_for_the_next_command(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_client, "MAX_CONNECTIONS", 1)
    monkeypatch.setattr(redis_client, "RETRIES", 0)
    settings.TAILRACE_LOG_URL = f"redis://127.0.0.1:{free_port()}/0"
    for _ in range(3):
        with pytest.raises(RedisConnectionError, match="Connect"):
            await asyncio.wait_for(redis_client.client().ping(), deadline())
    await redis_client.close()

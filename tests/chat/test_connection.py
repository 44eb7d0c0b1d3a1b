"""The connection: one client per event loop, and none that waits for ever."""

import asyncio

import pytest
from pytest_django import Settings
from redis.asyncio import Redis
from redis.exceptions import TimeoutError as RedisTimeoutError

from chat import connection
from project.up import ports


async def test_an_event_loop_has_one_client(redis_url: str) -> None:
    assert connection.client() is connection.client()


async def test_another_event_loop_has_another_client(redis_url: str) -> None:
    async def other() -> int:
        try:
            await connection.client().set("k", "v")
            return id(connection.client())
        finally:
            await connection.close()

    mine = connection.client()
    assert await asyncio.to_thread(asyncio.run, other()) != id(mine)
    assert await mine.get("k") == "v"


async def test_after_a_close_there_is_a_fresh_client(redis_url: str) -> None:
    closed = connection.client()
    await connection.close()
    await connection.close()  # harmless
    assert connection.client() is not closed
    assert await connection.client().ping()


async def test_a_broken_connection_is_made_again(redis_url: str) -> None:
    await connection.client().set("k", "v")
    async with Redis.from_url(redis_url) as other:
        await other.client_kill_filter(_type="normal", skipme=True)
    assert await connection.client().get("k") == "v"


async def test_a_redis_that_stays_mute_is_given_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silence.wait()
        writer.close()

    monkeypatch.setattr(connection, "ANSWER_SECS", 0.05)
    monkeypatch.setattr(connection, "RETRIES", 1)
    port = ports.pick_free()
    async with await asyncio.start_server(mute, "127.0.0.1", port):
        settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
        with pytest.raises(RedisTimeoutError):
            await asyncio.wait_for(connection.client().ping(), 2)
        await connection.close()
        silence.set()

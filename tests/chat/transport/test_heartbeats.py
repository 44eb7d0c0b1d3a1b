"""Heartbeats: a worker is listed while it sends them, until it stops or leaves."""

import time
from functools import partial

import pytest

from chat.transport import redis_client
from chat.transport.heartbeats import GONE_SECS, HEARTBEAT_SECS, Heartbeats, index, key, reaper
from tests.harness.waiting import await_until


@pytest.fixture
async def heartbeats(redis_url: str) -> Heartbeats:
    """No worker lives yet."""
    return Heartbeats(redis_client.client())


async def test_without_a_heartbeat_no_worker_lives(heartbeats: Heartbeats) -> None:
    assert await heartbeats.alive() == {}


async def test_a_worker_lives_with_the_figures_of_its_last_heartbeat(heartbeats: Heartbeats) -> None:
    await heartbeats.record("w1", {"running": 1})
    await heartbeats.record("w2", {"running": 7})
    await heartbeats.record("w1", {"running": 2})
    assert await heartbeats.alive() == {"w1": {"running": 2}, "w2": {"running": 7}}


async def test_a_heartbeat_outlives_two_missed_ones(heartbeats: Heartbeats) -> None:
    begun = time.time()
    await heartbeats.record("w1", {})
    left_ms = await redis_client.client().pttl(key("w1"))
    assert GONE_SECS * 1000 - 1000 * (time.time() - begun) - 100 < left_ms <= GONE_SECS * 1000
    assert GONE_SECS >= 3 * HEARTBEAT_SECS


async def test_a_heartbeat_extends_the_expiry(heartbeats: Heartbeats) -> None:
    await heartbeats.record("w1", {})
    await redis_client.client().pexpire(key("w1"), 500)
    await heartbeats.record("w1", {})
    assert await redis_client.client().pttl(key("w1")) > 500


async def test_a_heartbeat_returns_whether_the_last_one_was_there(heartbeats: Heartbeats) -> None:
    assert not await heartbeats.record("w1", {})
    assert await heartbeats.record("w1", {})
    await redis_client.client().delete(key("w1"))
    assert not await heartbeats.record("w1", {})


async def test_one_worker_leads_until_it_stops_doing_so(heartbeats: Heartbeats) -> None:
    assert await heartbeats.lead("w1")
    assert not await heartbeats.lead("w2")
    await redis_client.client().pexpire(reaper(), 500)
    assert await heartbeats.lead("w1")
    assert await redis_client.client().pttl(reaper()) > 500
    await redis_client.client().pexpire(reaper(), 1)
    await await_until(lambda: heartbeats.lead("w2"), 5, "the other leads")
    assert not await heartbeats.lead("w1")


async def test_a_silent_worker_is_gone_and_its_id_removed(heartbeats: Heartbeats) -> None:
    await heartbeats.record("w1", {})
    await heartbeats.record("w2", {})
    await redis_client.client().pexpire(key("w1"), 1)

    async def only_the_other() -> bool:
        return set(await heartbeats.alive()) == {"w2"}

    await await_until(only_the_other, 5, "the silent one is gone")
    assert await redis_client.client().smembers(index()) == {"w2"}


async def test_a_worker_that_leaves_is_gone_at_once(heartbeats: Heartbeats) -> None:
    await heartbeats.record("w1", {})
    await heartbeats.leave("w1")
    assert await heartbeats.alive() == {}
    assert await redis_client.client().keys("*") == []


async def test_a_worker_thought_lost_lives_again_with_its_next_heartbeat(heartbeats: Heartbeats) -> None:
    await heartbeats.record("w1", {})
    await redis_client.client().delete(key("w1"))
    assert await heartbeats.alive() == {}
    await heartbeats.record("w1", {"running": 3})
    assert await heartbeats.alive() == {"w1": {"running": 3}}


async def test_a_clock_is_ahead_by_the_time_in_its_heartbeat_of_any_age(
    heartbeats: Heartbeats, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone_secs = 300  # also on a busy machine all live at the end
    monkeypatch.setattr("chat.transport.heartbeats.GONE_SECS", gone_secs)
    begun = time.time()
    await heartbeats.record("right", {"at": time.time()})
    await heartbeats.record("fast", {"at": time.time() + 30})
    await heartbeats.record("old", {"at": time.time() - 4})
    await redis_client.client().pexpire(key("old"), (gone_secs - 4) * 1000)
    ahead = await heartbeats.clocks()
    about = partial(pytest.approx, abs=time.time() - begun + 0.1)
    assert ahead == {"right": about(0), "fast": about(30), "old": about(0)}


async def test_a_heartbeat_without_a_time_has_no_clock(heartbeats: Heartbeats) -> None:
    await heartbeats.record("w1", {"running": []})
    assert await heartbeats.clocks() == {}

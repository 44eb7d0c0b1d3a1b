"""Liveness: who beats lives, and who falls silent or leaves is gone."""

import time

import pytest

from chat.transport import redis_client
from chat.transport.heartbeats import GONE_SECS, HEARTBEAT_SECS, INDEX, REAPER, Heartbeats
from tests.harness.waiting import await_until


@pytest.fixture
async def liveness(redis_url: str) -> Heartbeats:
    """Nobody lives yet."""
    return Heartbeats(redis_client.client())


async def test_without_a_beat_nobody_lives(liveness: Heartbeats) -> None:
    assert await liveness.alive() == {}


async def test_who_beats_lives_with_the_figures_of_the_last_beat(liveness: Heartbeats) -> None:
    await liveness.beat("w1", {"running": 1})
    await liveness.beat("w2", {"running": 7})
    await liveness.beat("w1", {"running": 2})
    assert await liveness.alive() == {"w1": {"running": 2}, "w2": {"running": 7}}


async def test_a_beat_outlives_two_that_are_missed(liveness: Heartbeats) -> None:
    await liveness.beat("w1", {})
    assert GONE_SECS * 1000 - 1000 < await redis_client.client().pttl("worker:w1") <= GONE_SECS * 1000
    assert GONE_SECS >= 3 * HEARTBEAT_SECS


async def test_a_beat_lengthens_the_life(liveness: Heartbeats) -> None:
    await liveness.beat("w1", {})
    await redis_client.client().pexpire("worker:w1", 500)
    await liveness.beat("w1", {})
    assert await redis_client.client().pttl("worker:w1") > 500


async def test_a_beat_tells_whether_the_last_one_was_still_there(liveness: Heartbeats) -> None:
    assert not await liveness.beat("w1", {})
    assert await liveness.beat("w1", {})
    await redis_client.client().delete("worker:w1")
    assert not await liveness.beat("w1", {})


async def test_one_worker_leads_until_it_stops_doing_so(liveness: Heartbeats) -> None:
    assert await liveness.lead("w1")
    assert not await liveness.lead("w2")
    await redis_client.client().pexpire(REAPER, 500)
    assert await liveness.lead("w1")
    assert await redis_client.client().pttl(REAPER) > 500
    await redis_client.client().pexpire(REAPER, 1)
    await await_until(lambda: liveness.lead("w2"), 5, "the other leads")
    assert not await liveness.lead("w1")


async def test_who_falls_silent_is_gone_and_forgotten(liveness: Heartbeats) -> None:
    await liveness.beat("w1", {})
    await liveness.beat("w2", {})
    await redis_client.client().pexpire("worker:w1", 1)

    async def only_the_other() -> bool:
        return set(await liveness.alive()) == {"w2"}

    await await_until(only_the_other, 5, "the silent one is gone")
    assert await redis_client.client().smembers(INDEX) == {"w2"}


async def test_who_leaves_is_gone_at_once(liveness: Heartbeats) -> None:
    await liveness.beat("w1", {})
    await liveness.leave("w1")
    assert await liveness.alive() == {}
    assert await redis_client.client().keys("*") == []


async def test_who_was_thought_dead_lives_again_with_the_next_beat(liveness: Heartbeats) -> None:
    await liveness.beat("w1", {})
    await redis_client.client().delete("worker:w1")
    assert await liveness.alive() == {}
    await liveness.beat("w1", {"running": 3})
    assert await liveness.alive() == {"w1": {"running": 3}}


async def test_a_clock_is_ahead_by_what_a_beat_tells_however_old_the_beat_is(liveness: Heartbeats) -> None:
    await liveness.beat("right", {"at": time.time()})
    await liveness.beat("fast", {"at": time.time() + 30})
    await liveness.beat("old", {"at": time.time() - 4})
    await redis_client.client().pexpire("worker:old", (GONE_SECS - 4) * 1000)
    ahead = await liveness.clocks()
    assert {worker: round(secs) for worker, secs in ahead.items()} == {"right": 0, "fast": 30, "old": 0}


async def test_a_beat_that_does_not_tell_its_moment_has_no_clock(liveness: Heartbeats) -> None:
    await liveness.beat("w1", {"running": []})
    assert await liveness.clocks() == {}

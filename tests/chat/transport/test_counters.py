"""Counters: exact in Redis, and in the process without it."""

import asyncio

import pytest
from pytest_django import Settings

from chat.transport import counters, redis_client
from chat.transport.counters import MOST_NAMES, LocalCounters
from project.up import ports, valkey

WINDOW_SECS = 60


@pytest.mark.usefixtures("redis_url")
async def test_parallel_additions_are_all_counted() -> None:
    found = await asyncio.gather(*(counters.add(["a", "b"], WINDOW_SECS) for _ in range(50)))
    assert sorted(first.value for first, _ in found) == list(range(1, 51))
    assert sorted(second.value for _, second in found) == list(range(1, 51))


@pytest.mark.usefixtures("redis_url")
async def test_a_window_begins_with_the_first_addition_and_is_not_extended() -> None:
    (first,) = await counters.add(["a"], WINDOW_SECS)
    assert 0 < first.secs_left <= WINDOW_SECS
    (second,) = await counters.add(["a"], 10 * WINDOW_SECS)
    assert second.secs_left <= first.secs_left


@pytest.mark.usefixtures("redis_url")
async def test_an_addition_can_be_taken_back() -> None:
    await counters.add(["a"], WINDOW_SECS)
    assert [count.value for count in await counters.add(["a"], WINDOW_SECS, -1)] == [0]


@pytest.mark.slow
async def test_without_redis_the_process_counts(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "local", LocalCounters())
    settings.TAILRACE_REDIS_URL = valkey.url(ports.pick_free())
    values = [(await counters.add(["a"], WINDOW_SECS))[0].value for _ in range(3)]
    await redis_client.close()
    assert values == [1, 2, 3]


def test_a_window_of_the_process_ends() -> None:
    now = 0.0
    local = LocalCounters(lambda: now)
    assert local.add(["a"], WINDOW_SECS, 1) == [(1, WINDOW_SECS)]
    now = WINDOW_SECS - 1
    assert local.add(["a"], WINDOW_SECS, 1) == [(2, 1)]
    now = WINDOW_SECS
    assert local.add(["a"], WINDOW_SECS, 1) == [(1, WINDOW_SECS)]


def test_the_process_remembers_a_bounded_number_of_names() -> None:
    local = LocalCounters()
    for number in range(MOST_NAMES + 5):
        local.add([str(number)], WINDOW_SECS, 1)
    assert len(local._windows) == MOST_NAMES

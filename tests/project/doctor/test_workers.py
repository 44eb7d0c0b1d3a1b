"""The check of the workers, from their heartbeats."""

import asyncio
import time
from typing import Any

import pytest
from pytest_django import Settings

from chat import __version__
from chat.transport import redis_client
from chat.transport.heartbeats import Heartbeats
from project.doctor import workers
from project.doctor.finding import Finding, State
from tests.project.doctor.looks import faults, states

WARNING, ERROR = State.WARNING, State.ERROR


def heartbeat(name: str, **figures: Any) -> dict[str, Any]:
    base = {"name": name, "pid": 7, "version": __version__, "concurrency": 100, "running": ["r1"]}
    return base | figures


def test_no_worker_is_an_error() -> None:
    (finding,) = found = workers.judged([], {})
    assert faults(found) == {"workers": ERROR}
    assert "celery -A project worker" in finding.remedy


def test_each_worker_is_listed_with_its_version_and_its_answers() -> None:
    found = workers.judged([heartbeat("second"), heartbeat("first")], {"w1": 0.01, "w2": -0.02})
    assert faults(found) == {}
    assert [finding.what for finding in found] == [
        *("workers", "worker first", "worker second", "worker versions", "worker clocks")
    ]
    assert found[0].found == "2 live"
    assert found[1].found == f"{__version__}, pid 7, 1 of 100 answers"


def test_a_worker_of_another_version_is_a_warning_that_names_both() -> None:
    finding = workers.versions([heartbeat("new"), heartbeat("old", version="0.0.9")])
    assert faults([finding]) == {"worker versions": WARNING}
    assert finding.found == f"0.0.9; this checkout has {__version__}"


def test_a_worker_without_a_version_is_an_older_one() -> None:
    old = {"name": "old", "pid": 7, "running": []}
    found = workers.judged([old], {})
    assert faults(found) == {"worker versions": WARNING}
    assert found[1].found == "of an unknown version, pid 7, 0 answers"


@pytest.mark.parametrize(
    ("ahead", "state"),
    [
        ({}, State.OK),
        ({"w1": 90.0}, State.OK),  # Redis's own clock is wrong: it is only their common reference
        ({"w1": 90.0, "w2": 90.2}, State.OK),
        ({"w1": -1.0, "w2": 1.0}, WARNING),
        ({"w1": 0.0, "w2": -1.0, "w3": 5.0}, ERROR),
    ],
)
def test_the_clocks_of_the_workers_must_agree_with_each_other(ahead: dict[str, float], state: State) -> None:
    assert workers.clock(ahead).state is state


async def examined() -> list[Finding]:
    return await asyncio.to_thread(workers.examine)


@pytest.mark.usefixtures("redis_url")
async def test_the_heartbeats_of_live_workers_are_read_from_redis() -> None:
    assert faults(await examined()) == {"workers": ERROR}
    heartbeats = Heartbeats(redis_client.client())
    await heartbeats.record("w1", heartbeat("first", at=time.time()))
    await heartbeats.record("w2", heartbeat("second", at=time.time() - 3, version="0.0.9"))
    found = await examined()
    assert list(states(found))[:3] == ["workers", "worker first", "worker second"]
    assert faults(found) == {"worker versions": WARNING, "worker clocks": WARNING}


@pytest.mark.usefixtures("redis_url")
async def test_workers_under_another_prefix_are_named_if_none_has_this_one(settings: Settings) -> None:
    here, settings.TAILRACE_PREFIX = settings.TAILRACE_PREFIX, "elsewhere"
    assert await Heartbeats(redis_client.client()).lead("w1")
    settings.TAILRACE_PREFIX = here
    (finding,) = await examined()
    assert finding.found == f"none is alive with the prefix {here}; there are with elsewhere"
    assert "TAILRACE_PREFIX" in finding.remedy
    await Heartbeats(redis_client.client()).record("w2", heartbeat("own", at=time.time()))
    assert faults(await examined()) == {}  # the others are another deployment


@pytest.mark.usefixtures("redis_url")
async def test_our_own_reaper_is_not_another_prefix() -> None:
    assert await Heartbeats(redis_client.client()).lead("w1")
    (finding,) = await examined()
    assert finding.found == "none is alive"

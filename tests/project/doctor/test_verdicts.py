"""The verdicts on Redis: every case, from figures alone."""

from typing import Any

import pytest

from project.doctor import verdicts
from project.doctor.finding import Finding, State
from tests.project.doctor.looks import faults

OK, WARNING, ERROR = State
DAY_AND_HOUR = "86400 1 3600 100"


def judged(finding: Finding) -> tuple[State, str]:
    faults([finding])  # it has a remedy, if it needs one
    return finding.state, finding.found


@pytest.mark.parametrize(
    ("info", "verdict"),
    [
        ({"redis_version": "7.4.1"}, (OK, "Redis 7.4.1")),
        ({"redis_version": "6.2.0"}, (OK, "Redis 6.2.0")),
        ({"redis_version": "6.0.16"}, (ERROR, "Redis 6.0.16")),
        ({"redis_version": "10.0"}, (OK, "Redis 10.0")),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, (OK, "Valkey 9.1.2")),
        ({"redis_version": "7.2.4", "valkey_version": "7.0.0"}, (ERROR, "Valkey 7.0.0")),
        ({"redis_version": "unstable"}, (WARNING, "unknown")),
        ({}, (WARNING, "unknown")),
    ],
)
def test_the_version_must_support_the_log(info: dict[str, Any], verdict: tuple[State, str]) -> None:
    assert judged(verdicts.version(info)) == verdict


def test_a_command_that_is_refused_is_an_error_with_the_remedy_for_its_reason() -> None:
    assert judged(verdicts.commands({})) == (OK, "all that are needed")
    refused = {"EVAL": "NoPermissionError", "PUBLISH": "NoPermissionError"}
    finding = verdicts.commands(refused)
    assert judged(finding) == (
        ERROR,
        "EVAL refused (NoPermissionError), PUBLISH refused (NoPermissionError)",
    )
    assert "ACL SETUSER" in finding.remedy
    assert "6.2" in verdicts.commands({"XRANGE with (": "ResponseError"}).remedy
    assert "primary" in verdicts.commands({"SET with GET": "ReadOnlyError"}).remedy


@pytest.mark.parametrize(
    ("info", "verdict"),
    [
        ({"maxmemory_policy": "noeviction"}, (OK, "noeviction")),
        ({"maxmemory_policy": "allkeys-lru"}, (ERROR, "allkeys-lru")),
        ({"maxmemory_policy": "volatile-ttl"}, (ERROR, "volatile-ttl")),
        ({}, (ERROR, "unknown")),
    ],
)
def test_any_eviction_is_an_error(info: dict[str, Any], verdict: tuple[State, str]) -> None:
    assert judged(verdicts.eviction(info)) == verdict


@pytest.mark.parametrize(
    ("info", "config", "verdict"),
    [
        ({"aof_enabled": 1}, {"appendfsync": "everysec"}, (OK, "appendonly, fsync everysec")),
        ({"aof_enabled": 1}, {"appendfsync": "always"}, (OK, "appendonly, fsync always")),
        ({"aof_enabled": 1}, {}, (OK, "appendonly, fsync unknown")),
        (
            {"aof_enabled": 1},
            {"appendfsync": "no"},
            (WARNING, "appendonly, fsync left to the system"),
        ),
        (
            {"aof_enabled": 1, "aof_last_write_status": "err"},
            {"appendfsync": "everysec"},
            (ERROR, "the appendonly file cannot be written"),
        ),
        (
            {"aof_enabled": 0},
            {"save": DAY_AND_HOUR},
            (WARNING, "snapshots only: up to 1440 min are lost"),
        ),
        ({"aof_enabled": 0}, {"save": ""}, (WARNING, "none")),
        ({"aof_enabled": 0}, {}, (WARNING, "no appendonly file")),
    ],
)
def test_persistence_is_an_appendonly_file(
    info: dict[str, Any], config: dict[str, str], verdict: tuple[State, str]
) -> None:
    assert judged(verdicts.persistence(info, config)) == verdict


@pytest.mark.parametrize(
    ("pings", "verdict"),
    [
        ([0.001, 0.9, 0.001], (OK, "1.0 ms")),
        ([0.0049], (OK, "4.9 ms")),
        ([0.001, 0.02, 0.02], (WARNING, "20.0 ms")),
        ([0.3, 0.3], (ERROR, "300.0 ms")),
    ],
)
def test_latency_is_judged_by_its_median(pings: list[float], verdict: tuple[State, str]) -> None:
    assert judged(verdicts.latency(pings)) == verdict


MIB = 2**20


@pytest.mark.parametrize(
    ("used", "most", "machine", "verdict"),
    [
        (10, 100, 1000, (OK, "10 MiB of 100 MiB (maxmemory)")),
        (81, 100, 1000, (WARNING, "81 MiB of 100 MiB (maxmemory)")),
        (96, 100, 1000, (ERROR, "96 MiB of 100 MiB (maxmemory)")),
        (96, 0, 1000, (WARNING, "96 MiB of 1,000 MiB (the machine's memory)")),
        (960, 0, 1000, (ERROR, "960 MiB of 1,000 MiB (the machine's memory)")),
        (960, 0, 0, (OK, "960 MiB, no known limit")),
    ],
)
def test_memory_is_judged_by_its_share_of_the_limit(
    used: int, most: int, machine: int, verdict: tuple[State, str]
) -> None:
    info = {"used_memory": used * MIB, "maxmemory": most * MIB, "total_system_memory": machine * MIB}
    assert judged(verdicts.memory(info)) == verdict

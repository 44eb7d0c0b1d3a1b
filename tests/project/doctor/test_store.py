"""The check of Redis, on a real Valkey: configured well, configured badly, and unavailable in every way."""

import asyncio

import pytest
from pytest_django import Settings
from redis import Redis

from chat.transport import redis_client
from project.doctor import store
from project.doctor.finding import State, UnavailableError
from project.up import ports
from tests.harness.valkey import OwnValkey, use
from tests.harness.waiting import within
from tests.project.doctor.looks import faults, states
from tests.workers.relay import Relay

WARNING, ERROR = State.WARNING, State.ERROR
ANSWER_SECS = 6  # more than the part's 4 s
CHECKS = [
    "Redis",
    *[f"Redis {word}" for word in ("prefix", "version", "commands", "eviction", "persistence")],
] + [f"Redis {word}" for word in ("latency", "memory", "clock")]


@pytest.mark.usefixtures("own_valkey")
def test_the_embedded_valkey_is_ok() -> None:
    found = store.examine()
    assert list(states(found)) == CHECKS
    assert faults(finding for finding in found if finding.what != "Redis latency") == {}


def test_the_check_leaves_nothing_behind(redis: Redis) -> None:
    store.examine()
    assert redis.keys("*") == []


def test_each_fault_of_a_bad_configuration_is_found(redis: Redis) -> None:
    redis.config_set("maxmemory-policy", "allkeys-lru")
    redis.config_set("appendonly", "no")
    redis.config_set("save", "3600 1 60 1000")
    redis.config_set("maxmemory", str(int(redis.info()["used_memory"] * 1.1)))
    found = {finding.what: finding for finding in store.examine()}
    assert faults(found.values()).items() >= {
        ("Redis eviction", ERROR),
        ("Redis persistence", WARNING),
    }
    assert found["Redis eviction"].found == "allkeys-lru"
    assert found["Redis persistence"].found == "snapshots only: up to 60 min are lost"
    assert found["Redis memory"].state is not State.OK


def test_a_replica_is_recognised_by_the_command_that_it_refuses(redis: Redis) -> None:
    redis.replicaof(ports.HOST, str(ports.pick_free()))
    found = {finding.what: finding for finding in store.examine()}
    assert found["Redis commands"].state is ERROR
    assert found["Redis commands"].found.startswith("SET with GET refused (ReadOnlyError)")
    assert "primary" in found["Redis commands"].remedy


def test_the_missing_rights_of_a_user_are_named(
    redis: Redis, own_valkey: OwnValkey, settings: Settings
) -> None:
    redis.acl_setuser(
        "weak", enabled=True, passwords=["+secret"], keys=["*"], categories=["+@all"], commands=["-eval"]
    )
    use(settings, own_valkey.url.replace("//", "//weak:secret@"))
    found = {finding.what: finding for finding in store.examine()}
    refused = "EVAL refused (NoPermissionError), PUBLISH refused (NoPermissionError)"
    assert found["Redis commands"].found == refused
    assert found["Redis"].found == f"{own_valkey.url.replace('//', '//***@')} is available"


def test_a_redis_that_refuses_config_is_judged_all_the_same(
    redis: Redis, own_valkey: OwnValkey, settings: Settings
) -> None:
    redis.acl_setuser(
        "rented",
        enabled=True,
        passwords=["+secret"],
        keys=["*"],
        channels=["*"],
        categories=["+@all"],
        commands=["-config"],
    )
    use(settings, own_valkey.url.replace("//", "//rented:secret@"))
    found = {finding.what: finding for finding in store.examine()}
    assert list(found) == CHECKS
    assert found["Redis persistence"].found == "appendonly, fsync unknown"


def unavailable() -> UnavailableError:
    with pytest.raises(UnavailableError) as raised:
        store.examine()
    faults([raised.value.finding])
    return raised.value


def test_a_stopped_redis_is_unavailable(own_valkey: OwnValkey) -> None:
    own_valkey.kill()
    finding = unavailable().finding
    assert finding.found == f"{own_valkey.url} is unavailable (ConnectionError)"
    assert "REDIS_URL" in finding.remedy


@pytest.mark.slow
async def test_the_latency_of_a_distant_redis_is_found(redis_url: str, settings: Settings) -> None:
    async with Relay.to(redis_url) as relay:
        relay.way_secs = 0.3
        use(settings, relay.url)
        found = {finding.what: finding for finding in await asyncio.to_thread(store.examine)}
    assert list(found) == CHECKS
    assert found["Redis latency"].state is ERROR
    assert found["Redis clock"].state is State.OK


def test_all_commands_have_a_time_limit(own_valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "ASK_SECS", 0.2)
    own_valkey.freeze()
    with within(redis_client.ANSWER_SECS):
        assert "(TimeoutError)" in unavailable().finding.found


@pytest.mark.slow
def test_an_unresponsive_redis_is_unavailable_within_seconds(own_valkey: OwnValkey) -> None:
    own_valkey.freeze()
    with within(ANSWER_SECS):
        finding = unavailable().finding
    assert finding.found == f"{own_valkey.url} is unavailable (TimeoutError)"
    assert "does not reply" in finding.remedy


@pytest.mark.parametrize("credentials", ["", ":wrong-secret@"])
@pytest.mark.slow
def test_a_wrong_password_is_reported_and_not_shown(
    redis: Redis, own_valkey: OwnValkey, settings: Settings, credentials: str
) -> None:
    redis.config_set("requirepass", "right-secret")
    use(settings, own_valkey.url.replace("//", f"//{credentials}"))
    finding = unavailable().finding
    assert "(AuthenticationError)" in finding.found
    assert "password" in finding.remedy
    assert "secret" not in finding.found + finding.remedy


def test_a_malformed_address_is_reported_and_not_shown(settings: Settings) -> None:
    use(settings, "rediss//:secret@host")
    finding = unavailable().finding
    assert finding.found == "REDIS_URL cannot be read"
    assert "secret" not in finding.remedy


def test_a_separate_redis_of_the_broker_and_of_the_groups_is_checked(
    redis: Redis, own_valkey: OwnValkey, valkey_url: str, settings: Settings
) -> None:
    redis.config_set("maxmemory-policy", "allkeys-lru")
    use(settings, valkey_url)
    settings.TAILRACE_BROKER_URL = own_valkey.url
    settings.TAILRACE_LAYER_URL = f"redis://:secret@{ports.HOST}:{ports.pick_free()}/0"
    found = {finding.what: finding for finding in store.examine()}
    assert found["broker Redis"].state is State.OK
    assert found["broker Redis eviction"].state is ERROR
    assert found["layer Redis"].state is ERROR
    assert "secret" not in found["layer Redis"].found

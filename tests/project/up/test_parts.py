from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from project.up.environment import Embedded
from project.up.errors import AddressError
from project.up.parts import Options, Plan, plan
from project.up.probes import ConnectProbe
from workers.tasks import HAND_OVER_SECS

LOCK_SECS = 10  # how long SQLite waits for a lock
OPTIONS = Options(port=8233, flower_port=5633, workers=3, data_dir=Path("/data"))
EMBEDDED = Embedded(redis_port=20_001, model_port=20_002)
OUTSIDE = Embedded(redis_port=None, model_port=None)
ENV = {"REDIS_URL": "redis://:secret@elsewhere", "OPENAI_API_KEY": "secret"}


def planned(options: Options = OPTIONS, embedded: Embedded = EMBEDDED, redis_url: str = "redis://x") -> Plan:
    return plan(options, embedded, {**ENV, "REDIS_URL": redis_url}, drain_secs=20)


@pytest.mark.usefixtures("local_parts")
def test_parts_are_planned_in_the_order_of_start() -> None:
    result = planned()
    assert [part.name for part in result.servers] == ["redis", "model"]
    assert [part.name for part in result.processes] == ["web", "worker1", "worker2", "worker3", "flower"]


@pytest.mark.usefixtures("local_parts")
def test_clients_stop_before_their_servers() -> None:
    result = planned()
    turns = {part.name: part.stop_turn for part in (*result.servers, *result.processes)}
    order = ["web", "worker1", "flower", "model", "redis"]
    assert sorted(order, key=turns.__getitem__) == order
    assert len({turns[name] for name in order}) == len(order)
    assert turns["worker1"] == turns["worker3"]


def test_workers_get_the_time_to_drain_and_to_hand_over_while_the_database_is_unavailable() -> None:
    worker = planned(embedded=OUTSIDE).processes[1]
    assert worker.stop_secs > 20 + HAND_OVER_SECS + LOCK_SECS


def test_without_a_flower_port_there_is_no_flower() -> None:
    result = planned(replace(OPTIONS, flower_port=None), OUTSIDE)
    assert "flower" not in [part.name for part in result.processes]


@pytest.mark.parametrize(
    ("url", "probe"),
    [
        ("redis://:secret@there:7000/1", ConnectProbe("there", 7000)),
        ("rediss://there", ConnectProbe("there", 6379)),
    ],
)
def test_a_redis_elsewhere_is_probed_first(url: str, probe: ConnectProbe) -> None:
    result = planned(embedded=OUTSIDE, redis_url=url)
    assert result.servers == ()
    assert result.outside["redis"].probe == probe


def test_a_redis_behind_a_unix_socket_is_not_probed() -> None:
    assert planned(embedded=OUTSIDE, redis_url="unix:///run/redis.sock").outside == {}


def test_a_redis_url_that_cannot_be_read_is_not_repeated() -> None:
    with pytest.raises(AddressError, match=r"^REDIS_URL cannot be read: write it as") as raised:
        planned(embedded=OUTSIDE, redis_url="redis://host:secret")
    assert "secret" not in str(raised.value)


@pytest.mark.usefixtures("local_parts")
def test_no_secret_stands_in_a_command_line_or_in_a_traceback() -> None:
    assert "secret" not in repr(planned())


@pytest.mark.usefixtures("local_parts")
@pytest.mark.parametrize(
    ("verbose", "celery", "flower", "redis"),
    [(False, True, "error", "warning"), (True, False, "info", "notice")],
)
def test_the_parts_log_as_much_as_the_options_say(
    verbose: bool, celery: bool, flower: str, redis: str
) -> None:
    result = planned(replace(OPTIONS, verbose=verbose))
    commands = {part.name: part.command for part in (*result.servers, *result.processes)}
    assert ["--quiet" in commands[name] for name in ("worker1", "flower")] == [celery, celery]
    assert f"--logging={flower}" in commands["flower"]
    assert commands["redis"][-2:] == ("--loglevel", redis)


@pytest.mark.usefixtures("local_parts")
def test_every_part_listens_on_the_loopback_address() -> None:
    result = planned()
    commands = {part.name: part.command for part in (*result.servers, *result.processes)}
    assert commands["web"][3:] == ("--bind", "127.0.0.1", "--port", "8233")
    assert "--address=127.0.0.1" in commands["flower"]
    assert commands["redis"][2:4] == ("--bind", "127.0.0.1")


def environments(**more: str) -> dict[str, Mapping[str, str]]:
    """The environment of each part."""
    secrets = {"SECRET_KEY": "k", "DATABASE_URL": "d", "GROQ_KEY": "g", "FLOWER_BASIC_AUTH": "f"}
    env = {**ENV, **secrets, "PATH": "/bin", "TAILRACE_PREFIX": "p", **more}
    result = plan(OPTIONS, EMBEDDED, env, 20, frozenset({"GROQ_KEY"}))
    return {part.name: part.env for part in (*result.servers, *result.preparations, *result.processes)}


@pytest.mark.usefixtures("local_parts")
def test_only_the_workers_get_the_keys_of_the_models() -> None:
    found = environments()
    for name in ("GROQ_KEY", "OPENAI_API_KEY"):
        holders = {part for part, env in found.items() if env.get(name)}
        assert holders - {"model"} == {"worker1", "worker2", "worker3"}
        assert found["web"][name] == "", "set, so that no .env sets it"
    assert found["model"]["OPENAI_API_KEY"]  # its own


@pytest.mark.usefixtures("local_parts")
@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("redis", {"PATH"}),
        ("model", {"PATH", "OPENAI_API_KEY"}),
        ("flower", {"PATH", "REDIS_URL", "TAILRACE_PREFIX", "FLOWER_BASIC_AUTH"}),
    ],
)
def test_other_programs_get_next_to_nothing(part: str, names: set[str]) -> None:
    assert set(environments()[part]) == names


@pytest.mark.usefixtures("local_parts")
def test_only_flower_knows_its_password() -> None:
    assert [part for part, env in environments().items() if env.get("FLOWER_BASIC_AUTH")] == ["flower"]


def test_separate_ones_are_probed_once_each() -> None:
    urls = {"TAILRACE_BROKER_URL": "redis://broker", "TAILRACE_LAYER_URL": "redis://x"}
    env = {**ENV, "REDIS_URL": "redis://x", **urls}
    found = plan(OPTIONS, OUTSIDE, env, 20).outside
    assert {name: wait.probe for name, wait in found.items()} == {
        "redis": ConnectProbe("x", 6379),
        "TAILRACE_BROKER_URL": ConnectProbe("broker", 6379),
    }

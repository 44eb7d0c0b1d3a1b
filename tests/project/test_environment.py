"""Variables are read as their users mean them; a wrong one is named, and its secret is not shown."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from project.environment import Environment

Read = Callable[[Environment], Any]

text: Read = lambda env: env.text("NAME", "default")  # noqa: E731 - one line for each kind
flag: Read = lambda env: env.flag("NAME", default=True)  # noqa: E731
number: Read = lambda env: env.number("NAME", 7, least=1)  # noqa: E731
seconds: Read = lambda env: env.seconds("NAME", 7)  # noqa: E731
names: Read = lambda env: env.names("NAME", ["default"])  # noqa: E731
choice: Read = lambda env: env.choice("NAME", "INFO", ("INFO", "DEBUG"))  # noqa: E731
redis: Read = lambda env: env.redis("NAME", "redis://127.0.0.1/0")  # noqa: E731
networks: Read = lambda env: env.networks("NAME")  # noqa: E731
database: Read = lambda env: env.database("NAME", "sqlite:////data/db")["NAME"]  # noqa: E731
DEFAULTS = [
    *((text, "default"), (flag, True), (number, 7), (seconds, 7.0), (names, ["default"])),
    *((networks, []), (choice, "INFO"), (redis, "redis://127.0.0.1/0"), (database, "/data/db")),
]


@pytest.fixture
def env() -> Environment:
    return Environment(None)


@pytest.mark.parametrize("value", [None, "", "  "])
@pytest.mark.parametrize(("read", "default"), DEFAULTS)
def test_an_empty_variable_is_not_set(
    env: Environment, monkeypatch: pytest.MonkeyPatch, read: Read, default: Any, value: str | None
) -> None:
    monkeypatch.delenv("NAME", raising=False)
    if value is not None:
        monkeypatch.setenv("NAME", value)
    assert read(env) == default


@pytest.mark.parametrize(
    ("read", "value", "meant"),
    [
        (text, "$abc-def", "$abc-def"),
        (text, r"\$abc", r"\$abc"),
        (text, " padded ", "padded"),
        (flag, "0", False),
        (flag, "Yes", True),
        (flag, "off", False),
        (number, "12", 12),
        (seconds, "0.5", 0.5),
        (seconds, "1e3", 1000.0),
        (names, "a.org, b.org", ["a.org", "b.org"]),
        (names, "a.org,", ["a.org"]),
        (networks, "10.0.0.0/8, 127.0.0.1,fd00::/8", ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"]),
        (choice, "debug", "DEBUG"),
        (redis, "redis://:p%23x@host:1/5", "redis://:p%23x@host:1/5"),
        (redis, "unix:///run/redis.sock", "unix:///run/redis.sock"),
        (database, "postgres://user:p%23ss%2Fw@host:5432/name", "name"),
        (database, "postgres://user:$x@host/name", "name"),
        (database, "sqlite:///here/it.db", "here/it.db"),
    ],
)
def test_a_value_is_what_its_writer_means(
    env: Environment, monkeypatch: pytest.MonkeyPatch, read: Read, value: str, meant: Any
) -> None:
    monkeypatch.setenv("NAME", value)
    assert read(env) == meant


@pytest.mark.parametrize(
    ("read", "value", "remedy"),
    [
        (flag, "oui", "'oui'"),
        (number, "0", "at least 1"),
        (number, "-5", "at least 1"),
        (number, "1e3", "in digits"),
        (number, "16_384", "in digits"),
        (number, "²", "in digits"),
        (seconds, "5m", "'5m'"),
        (seconds, "0", "number of seconds"),
        (seconds, "nan", "number of seconds"),
        (seconds, "inf", "number of seconds"),
        (networks, "fd00::1/8", "write networks"),
        (networks, "localhost", "'localhost'"),
        (choice, "LOUD", "INFO, DEBUG"),
        (redis, "host:6379", "redis://"),
        (redis, "http://host", "redis://"),
        (redis, "redis://", "redis://"),
        (redis, "redis://host:port/0", "redis://"),
        (redis, "redis://:p#hush@host/0", "%23"),
        (redis, "redis://:p/hush@host/0", "%2F"),
        (redis, "redis://[::1/0", "redis://"),
        (database, "hush", "postgres://"),
        (database, "postgres://user:p#hush/w@host/name", "%23"),
        (database, "postgres://user:1#hush@host/name", "%23"),
        (database, "postgres://user:p?hush@host/name", "%3F"),
        (database, "postgres://user:hush@host", "names no database"),
        (database, "postgres://user:hush@host:port/name", "postgres://"),
        (database, "oracel://user:hush@host/name", "postgres://"),
    ],
)
def test_a_wrong_value_is_a_sentence_with_the_name_and_the_remedy_and_no_secret(
    env: Environment, monkeypatch: pytest.MonkeyPatch, read: Read, value: str, remedy: str
) -> None:
    monkeypatch.setenv("NAME", value)
    with pytest.raises(ImproperlyConfigured) as refusal:
        read(env)
    said = str(refusal.value)
    assert said.startswith("NAME cannot be read")
    assert remedy in said
    assert "hush" not in said
    assert "\n" not in said
    assert said.count(".") <= 2  # one sentence


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("NAME=of-the-file\nOF_THE_FILE=$kept\n")
    monkeypatch.setenv("NAME", "of-the-environment")
    monkeypatch.setenv("OF_THE_FILE", "")
    monkeypatch.delenv("OF_THE_FILE")
    env = Environment(dotenv)
    assert (env.text("NAME"), env.text("OF_THE_FILE")) == ("of-the-environment", "$kept")

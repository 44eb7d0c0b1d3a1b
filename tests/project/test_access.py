"""Settings that would open a deployment to everybody are refused before anything is served."""

import sys
from pathlib import Path

import pytest

from project.access import is_loopback, is_origin, unsafe
from tests.harness.dotenv import load_settings, loaded_settings
from tests.harness.processes import ROOT, finished

KEY = "vR3hVb9ZkQ0pXy7LmN2sTg5WdJ8cFa1eUiOoPqKz4BxYw6HnMl"
HOST = {"ALLOWED_HOSTS": "chat.example.org"}


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.3.2.1", "[::1]", "::1"]
)
def test_loopback_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["*", ".localhost.org", "chat.example.org", "10.0.0.1", "0.0.0.0", "localhost.org", ""],  # noqa: S104 - refused
)
def test_other_names_are_public(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("origin", "full"),
    [
        ("https://chat.example.org", True),
        ("http://localhost:8000", True),
        ("https://[::1]:8000", True),
        ("chat.example.org", False),
        ("chat.example.org:443", False),
        ("*", False),
        ("https://*", False),
        ("https://*.example.org", False),
        ("https://.example.org", False),
        ("https://chat.example.org/", False),
        ("https://chat.example.org:port", False),
        ("https://", False),
        ("file:///page", False),
    ],
)
def test_origins_are_full(origin: str, full: bool) -> None:
    assert is_origin(origin) is full
    assert bool(unsafe(debug=False, key=KEY, hosts=["a.org"], origins=[origin])) is not full


@pytest.mark.parametrize("key", ["", "short", "a" * 60, "abcd" * 20, f"django-insecure-{KEY}"])
def test_a_key_that_can_be_guessed_is_refused(key: str) -> None:
    [said] = unsafe(debug=False, key=key, hosts=["a.org"], origins=["https://a.org"])
    assert said.startswith("SECRET_KEY")
    assert not key or key not in said


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (HOST, "DEBUG is on, and ALLOWED_HOSTS has chat.example.org"),
        (HOST | {"SECRET_KEY": ""}, "DEBUG is on"),
        (HOST | {"SECRET_KEY": KEY, "DEBUG": "1"}, "DEBUG is on"),
        ({"ALLOWED_HOSTS": "localhost, 0.0.0.0"}, "DEBUG is on, and ALLOWED_HOSTS has 0.0.0.0"),
        (HOST | {"SECRET_KEY": "$k3=short"}, "SECRET_KEY signs sessions"),
        ({"DEBUG": "0"}, "SECRET_KEY is missing"),
        ({"SECRET_KEY": KEY, "ALLOWED_HOSTS": ".example.org"}, "TAILRACE_ORIGINS has https://.example.org"),
        ({"SECRET_KEY": KEY, "ALLOWED_HOSTS": "*"}, "TAILRACE_ORIGINS has https://*"),
        (HOST | {"SECRET_KEY": KEY, "TAILRACE_ORIGINS": "chat.example.org"}, "TAILRACE_ORIGINS has chat"),
    ],
)
@pytest.mark.slow
def test_an_open_deployment_does_not_start(tmp_path: Path, environment: dict[str, str], said: str) -> None:
    done = load_settings(tmp_path, environment)
    assert done.returncode != 0
    assert said in done.stderr.splitlines()[-1]
    assert "$k3=short" not in done.stderr


def test_a_key_that_begins_with_a_dollar_is_that_key(tmp_path: Path) -> None:
    values = loaded_settings(tmp_path, HOST | {"SECRET_KEY": f"${KEY}"})
    assert (values["SECRET_KEY"], values["DEBUG"]) == (f"${KEY}", False)


@pytest.mark.slow
def test_a_command_ends_with_the_sentence_alone() -> None:
    done = finished(
        sys.executable, "manage.py", "check", cwd=ROOT, env={"DATABASE_URL": "postgres://u:p#ss/w@h/n"}
    )
    assert done.returncode == 1
    assert done.stderr.startswith("DATABASE_URL cannot be read")
    assert len(done.stderr.splitlines()) == 1
    assert "ss" not in done.stderr.replace("password", "")


@pytest.mark.slow
def test_a_deployment_passes_the_deployment_checks(tmp_path: Path) -> None:
    environment = HOST | {"SECRET_KEY": KEY, "DATABASE_URL": "postgres://user:password@127.0.0.1:1/name"}
    arguments = ("check", "--deploy", "--fail-level", "WARNING")
    done = finished(sys.executable, "manage.py", *arguments, cwd=ROOT, env=environment)
    assert done.returncode == 0, done.stderr

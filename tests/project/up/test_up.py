"""The command itself: `project.management.commands.up`."""

import os
import socket
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command, load_command_class
from pytest_django import Settings

from project.up import discovery, lock, ports
from project.up.environment import LOCAL_MODEL
from tests.harness.model_server import Service, serving
from tests.harness.processes import finished
from tests.harness.up import START_SECS, STOP_SECS, running, without_servers
from tests.harness.waiting import wait_until
from tests.project.up.children import is_alive

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("option", "error"),
    [
        ("--port=0", "'0' is not a port: choose from 1 to 65535"),
        ("--flower-port=x", "'x' is not a port: choose from 1 to 65535"),
        ("--workers=0", "'0' is too few: at least one worker is needed"),
    ],
)
def test_a_wrong_option_is_refused_with_the_reason(option: str, error: str) -> None:
    with pytest.raises(CommandError, match=error):
        call_command("up", option)


@pytest.mark.parametrize("option", ["--port", "--flower-port"])
def test_a_taken_port_is_an_error_that_names_its_option(option: str, tmp_path: Path) -> None:
    with socket.create_server((ports.HOST, ports.pick_free())) as server:
        port = server.getsockname()[1]
        chosen = {"--port": ports.pick_free(), "--flower-port": ports.pick_free(), option: port}
        arguments = [f"{name}={value}" for name, value in chosen.items()]
        with pytest.raises(CommandError, match=f"Port {port} is taken: choose another with {option}"):
            call_command("up", *arguments, f"--data-dir={tmp_path}")


def test_one_port_cannot_be_two(tmp_path: Path) -> None:
    port = ports.pick_free()
    with pytest.raises(CommandError, match=f"Port {port} is used twice: choose another with --flower-port"):
        call_command("up", f"--port={port}", f"--flower-port={port}", f"--data-dir={tmp_path}")


def test_the_caller_keeps_its_umask(tmp_path: Path) -> None:
    own = os.umask(0o022)
    try:
        with pytest.raises(CommandError, match="used twice"):
            call_command("up", "--port=9", "--flower-port=9", f"--data-dir={tmp_path}")
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(own)


def test_ctrl_c_outside_the_supervisor_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(data_dir: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(lock, "held", interrupted)
    with pytest.raises(SystemExit) as raised:
        call_command("up", f"--data-dir={tmp_path}")
    assert raised.value.code == 130


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("TAILRACE_OPENAI_BASE_URL", "one.example/v1", "OPENAI_BASE_URL: the base URL must begin with http"),
        ("TAILRACE_MODELS", "/nowhere/models.toml", "TAILRACE_MODELS: /nowhere/models.toml cannot be used"),
        ("OPENAI_API_KEY", "sk-hush\nX: y", "OPENAI_API_KEY holds a line break"),
    ],
)
def test_an_unusable_model_is_named_before_anything_starts(
    variable: str,
    value: str,
    named: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    settings.TAILRACE_MODELS = ""
    if variable.startswith("TAILRACE"):
        setattr(settings, variable, value)
    monkeypatch.setenv(variable.removeprefix("TAILRACE_") if "OPENAI" in variable else variable, value)
    options = [f"--port={ports.pick_free()}", "--no-flower", f"--data-dir={tmp_path}"]
    with pytest.raises(CommandError, match=named) as raised:
        call_command("up", *options)
    assert "hush" not in str(raised.value)


def test_help_explains_verbose() -> None:
    shown = " ".join(
        load_command_class("project", "up").create_parser("manage.py", "up").format_help().split()
    )
    assert "--verbose show all logs of the parts; without it only their warnings and errors" in shown


@pytest.mark.timeout(2 * START_SECS)
@pytest.mark.usefixtures("local_parts")
def test_a_named_model_is_taken_the_doctor_asks_it_and_a_kill_leaves_no_process_behind(
    tmp_path: Path,
) -> None:
    options = ("--no-flower", "--workers=1", "--verbose")
    with (
        serving(Service()) as service,
        running(tmp_path, f"--model={service.base_url}#m", *options, TAILRACE_MODELS="other.toml") as up,
    ):
        up.until(f"model         m, on this machine ({service.base_url})")
        assert all(f"\n{name:<8} | " in up.text() for name in ("redis", "migrate", "web", "worker1"))
        children = up.children()
        assert len(children) == 4  # the guard, Redis, the web server, one worker
        doctor = (sys.executable, "manage.py", "doctor", "--ask", f"--data-dir={up.data_dir}")
        asked = finished(*doctor, env=without_servers()).stdout
        [line] = [line for line in asked.splitlines() if "model m " in line]
        assert f"{service.base_url}, m, no key: streams, first token " in line
        up.process.popen.kill()
        wait_until(lambda: not any(map(is_alive, children.values())), STOP_SECS, "all children end")


def test_an_unknown_model_lists_what_there_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(discovery, "KINDS", ())
    options = [f"--port={ports.pick_free()}", "--no-flower", f"--data-dir={tmp_path}"]
    with pytest.raises(CommandError, match=f"no model other on this machine.\nChoose from {LOCAL_MODEL}, or"):
        call_command("up", "--model=other", *options)


@pytest.mark.timeout(2 * START_SECS)
@pytest.mark.usefixtures("local_parts")
def test_a_failed_start_shows_the_reason_and_stops_the_started_parts(tmp_path: Path) -> None:
    nowhere = "sqlite:////no/such/place.sqlite3"
    with running(tmp_path, DATABASE_URL=nowhere, OPENAI_API_KEY="secret") as up:
        children: dict[str, int] = {}

        def has_ended() -> bool:
            children.update(up.children())
            return not up.process.is_running

        wait_until(has_ended, START_SECS, "it ends")
        assert up.process.popen.returncode == 1
        assert not any(map(is_alive, children.values()))
        assert up.started() == set()  # also of parts that ended unseen
        _, started, rest = up.text().partition("redis ready")
        assert started
        end = rest.partition("all parts have stopped\n")[2]
        assert end.startswith("CommandError: migrate ended with exit code 1.\nLast lines of migrate:\n")
        assert "unable to open database file" in end
        assert "check DATABASE_URL" in end
        assert "secret" not in up.text()

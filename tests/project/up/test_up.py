"""The command itself: `project.management.commands.up`."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command, load_command_class

from project.up import environment, lock, ports
from tests.harness.waiting import wait_until
from tests.project.up.children import is_alive

pytestmark = pytest.mark.system

START_SECS = 240  # on a busy machine
STOP_SECS = 60


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


def test_ctrl_c_outside_the_supervisor_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(data_dir: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(lock, "held", interrupted)
    with pytest.raises(SystemExit) as raised:
        call_command("up", f"--data-dir={tmp_path}")
    assert raised.value.code == 130


def test_help_explains_verbose() -> None:
    shown = " ".join(
        load_command_class("project", "up").create_parser("manage.py", "up").format_help().split()
    )
    assert "--verbose show all logs of the parts; without it only their warnings and errors" in shown


class Run:
    """A running `manage.py up` on odd ports."""

    def __init__(self, process: subprocess.Popen[str], log: Path, port: int, flower_port: int) -> None:
        self.process = process
        self.port = port
        self.flower_port = flower_port
        self._log = log

    def text(self) -> str:
        return self._log.read_text()

    def until(self, words: str) -> None:
        """Wait until the log has these words."""
        wait_until(lambda: self.has(words), START_SECS, f"the log has {words!r}")

    def has(self, words: str) -> bool:
        assert words in self.text() or self.process.poll() is None, self.text()
        return words in self.text()

    def children(self) -> dict[str, int]:
        """Return the command lines of the children, and their process ids."""
        # -ww: without it, ps cuts each line where COLUMNS says, and two workers look the same
        command = ["ps", "-ww", "-eo", "ppid=,pid=,args="]
        listed = subprocess.run(command, capture_output=True, text=True, check=True)
        fields = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
        return {args: int(pid) for ppid, pid, args in fields if int(ppid) == self.process.pid}


@contextmanager
def running(data_dir: Path, *options: str, **env: str) -> Iterator[Run]:
    outside = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    # empty and not absent: a developer's .env must not decide what is tested
    nothing = dict.fromkeys(("REDIS_URL", *environment.MODEL_VARIABLES), "")
    port, flower_port = ports.pick_free(), ports.pick_free()
    command = [sys.executable, "manage.py", "up", f"--data-dir={data_dir}", f"--port={port}"]
    log = data_dir.parent / "log"
    with (
        log.open("w") as out,
        subprocess.Popen(
            [*command, f"--flower-port={flower_port}", *options],
            env={**outside, **nothing, **env},
            cwd=settings.BASE_DIR,
            stdout=out,
            stderr=out,
            text=True,
        ) as process,
    ):
        try:
            yield Run(process, log, port, flower_port)
        finally:
            process.kill()  # the guard ends the rest


def status(port: int, path: str) -> int:
    connection = HTTPConnection(ports.HOST, port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


@pytest.mark.e2e
@pytest.mark.local_model
@pytest.mark.timeout(3 * START_SECS)
@pytest.mark.usefixtures("local_parts")
def test_one_command_starts_restarts_and_stops_everything(tmp_path: Path) -> None:
    with running(tmp_path / "data") as run:
        run.until("stop          Ctrl-C")
        assert [line for line in run.text().splitlines() if not line.startswith("up ")] == []
        assert [status(run.port, path) for path in ("/", "/minimal/", "/readyz")] == [200, 200, 200]
        assert status(run.flower_port, "/healthcheck") == 200
        assert (tmp_path / "data" / "db.sqlite3").exists()

        children = run.children()
        assert len(children) == 7  # the guard, Redis, the model, the web server, two workers, Flower
        worker = next(pid for args, pid in children.items() if "worker1@" in args)
        os.kill(worker, signal.SIGKILL)
        run.until("worker1 was ended by SIGKILL; it starts again in 0.5 s")
        wait_until(lambda: any("worker1@" in args for args in run.children()), START_SECS, "worker1 is back")

        children = run.children()
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(STOP_SECS) == 0
        assert not [args for args, pid in children.items() if is_alive(pid)]
        assert "Traceback" not in run.text()
        assert run.text().splitlines()[-1] == "up       | all parts have stopped"
        stopped = re.findall(r"^up +\| (\w+) (?:stopped|was ended)", run.text(), re.MULTILINE)
        assert [name.rstrip("12") for name in stopped[-6:]] == [
            *["web", "worker", "worker", "flower", "model", "redis"]
        ]


@pytest.mark.e2e
@pytest.mark.timeout(2 * START_SECS)
@pytest.mark.usefixtures("local_parts")
def test_a_killed_up_leaves_no_process_behind(tmp_path: Path) -> None:
    with running(
        *(tmp_path / "data", "--no-flower", "--workers=1", "--verbose"),
        OPENAI_BASE_URL="http://127.0.0.1:1/v1",
    ) as run:
        run.until("model         the first of GET /models, elsewhere (http://127.0.0.1:1/v1)")
        assert all(f"\n{name:<8} | " in run.text() for name in ("redis", "migrate", "web", "worker1"))
        children = run.children()
        assert len(children) == 4  # the guard, Redis, the web server, one worker
        run.process.kill()
        wait_until(lambda: not any(map(is_alive, children.values())), STOP_SECS, "all children end")


@pytest.mark.e2e
@pytest.mark.timeout(2 * START_SECS)
@pytest.mark.usefixtures("local_parts")
def test_a_failed_start_shows_the_reason_and_stops_the_started_parts(tmp_path: Path) -> None:
    nowhere = "sqlite:////no/such/place.sqlite3"
    with running(tmp_path / "data", DATABASE_URL=nowhere, OPENAI_API_KEY="secret") as run:
        run.until("redis ready")
        children = run.children()
        assert run.process.wait(START_SECS) == 1
        assert not any(map(is_alive, children.values()))
        end = run.text().partition("all parts have stopped\n")[2]
        assert end.startswith("CommandError: migrate ended with exit code 1.\nLast lines of migrate:\n")
        assert "unable to open database file" in end
        assert "check DATABASE_URL" in end
        assert "secret" not in run.text()

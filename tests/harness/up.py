"""Run `manage.py up` as a user does, on free ports and with its own data directory."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from chat.conf import conf
from project.up import environment, ports
from tests.harness.processes import Process, free_port

START_SECS = 240  # load the model, migrate, start seven processes on a busy machine
STOP_SECS = 60


@dataclass
class Up:
    """A running `manage.py up`."""

    process: Process
    port: int
    flower_port: int
    data_dir: Path

    @property
    def url(self) -> str:
        """The URL of the page."""
        return f"http://{ports.HOST}:{self.port}"

    @property
    def flower_url(self) -> str:
        """The URL of Flower."""
        return f"http://{ports.HOST}:{self.flower_port}"

    def text(self) -> str:
        """Return its output so far."""
        return self.process.output()

    def until(self, words: str) -> None:
        """Wait until the output has these words."""
        self.process.wait_until(lambda: words in self.text(), START_SECS)

    def children(self) -> dict[str, int]:
        """Return the command lines of the children, and their process ids."""
        # -ww: without it, ps cuts each line where COLUMNS says, and two workers look the same
        command = ["ps", "-ww", "-eo", "ppid=,pid=,args="]
        listed = subprocess.run(command, capture_output=True, text=True, check=True)
        fields = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
        return {args: int(pid) for ppid, pid, args in fields if int(ppid) == self.process.popen.pid}

    def started(self) -> set[int]:
        """Return the ids of all processes with our data directory in their environment or as their cwd."""
        mark = str(self.data_dir).encode()
        own = str(self.process.popen.pid)
        processes = (path for path in Path("/proc").glob("[0-9]*") if path.name != own)
        return {int(at.name) for at in processes if mark in _environment_and_cwd(at)}

    def stop(self) -> int:
        """Stop it with Ctrl-C, and return the exit code."""
        return self.process.stop(signal.SIGINT, STOP_SECS)


def _environment_and_cwd(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes() + bytes((process / "cwd").readlink())
    except OSError:  # it has ended, or it is not ours
        return b""


def without_servers() -> dict[str, str]:
    """The environment, with no server named: empty and not absent, so that no `.env` decides."""
    outside = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return outside | dict.fromkeys(("REDIS_URL", "OPENAI_MODEL", *environment.MODEL_VARIABLES), "")


@contextmanager
def running(directory: Path, *options: str, **env: str) -> Iterator[Up]:
    """Start it; kill it with the block, unless it has ended."""
    port, flower_port, data_dir = free_port(), free_port(), directory / "data"
    where = (f"--port={port}", f"--flower-port={flower_port}", f"--data-dir={data_dir}")
    prefix = {"TAILRACE_PREFIX": conf.PREFIX}  # as here: tests read what the parts write
    command = (sys.executable, "manage.py", "up", *where, *options)
    process = Process(directory / "up.log", command, {**without_servers(), **prefix, **env}).start()
    try:
        yield Up(process, port, flower_port, data_dir)
    finally:
        process.popen.kill()  # its guard ends the rest
        process.popen.wait()

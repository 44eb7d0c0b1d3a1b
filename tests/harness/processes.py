"""One process of the tests or of the benchmark: start, wait for, stop, freeze, kill, start again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psutil

from project.up import ports
from tests.harness import fork_server
from tests.harness.forks import Fork, ForkServer, can_run
from tests.harness.waiting import deadline, wait_until

ROOT = fork_server.ROOT
START_SECS = 60
STOP_SECS = 15  # a worker that ends its answers
TAIL_CHARS = 3000  # of the output, in a failure
forks: ForkServer | None = None  # of the tests; None: each program is a new interpreter
_given: set[int] = set()  # ports that may not be in use yet


@dataclass
class Process:
    """A command in its own session. Its output is appended to `log`, which also names it."""

    log: Path
    command: Sequence[str]
    env: Mapping[str, str] | None = field(default=None, repr=False)  # None: as here
    cwd: Path = ROOT
    user: str | None = None
    popen: subprocess.Popen[bytes] | Fork = field(init=False, repr=False)

    def start(self) -> Self:
        """Start it, also after it has ended. `wait_until` waits until it is ready."""
        with self.log.open("ab") as output:
            self.popen = self._forked(output.fileno()) or subprocess.Popen(
                self.command,
                cwd=self.cwd,
                env=self.env,
                user=self.user,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def _forked(self, output: int) -> Fork | None:
        if forks is None or self.user is not None or not can_run(self.command, self.env):
            return None
        return forks.start(self.command, self.env, self.cwd, (output, output))

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.popen.poll() is None

    def wait_until(self, is_ready: Callable[[], object], secs: float = START_SECS) -> Self:
        """Wait until it is ready; fail with the end of its output if it is late, or ends."""
        try:
            wait_until(lambda: is_ready() or not self.is_running, secs, f"{self.log.stem} is ready")
            assert self.is_running, f"{self.log.stem} has ended"
        except AssertionError as error:
            error.add_note(self.tail())
            raise
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM, secs: float = STOP_SECS) -> int:
        """Send the signal, SIGKILL to its session after `secs`; return the exit code."""
        self.popen.send_signal(how)
        try:
            return self.popen.wait(deadline(secs))
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """Kill its session, as the kernel does when memory is short; return the exit code."""
        if self.is_running:
            os.killpg(self.popen.pid, signal.SIGKILL)
        return self.popen.wait()

    def freeze(self) -> None:
        """Suspend it: its port accepts connections, and nothing is answered."""
        self.popen.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume it."""
        self.popen.send_signal(signal.SIGCONT)

    def output(self) -> str:
        """Return what it has printed."""
        return self.log.read_text(errors="replace")

    def tail(self) -> str:
        """Return the end of the output."""
        return f"--- {self.log.stem}\n{self.output()[-TAIL_CHARS:]}"


def cpu_secs(pid: int) -> float:
    """Return the seconds of CPU of a running process. Raises psutil.NoSuchProcess if it has ended.

    On Linux to the nanosecond, by the clock of clock_getcpuclockid(3): /proc counts whole ticks of 10 ms, and
    a short run may use none.
    """
    if sys.platform != "linux":
        return float(sum(psutil.Process(pid).cpu_times()[:2]))
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError as error:
        raise psutil.NoSuchProcess(pid) from error


def run(*command: str, **options: Any) -> str:
    """Run a command to its end; return what it printed, or fail with it."""
    done = finished(*command, **options)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def finished(*command: str, fresh: bool = False, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever its exit code; `options` are those of `subprocess.run`.

    `fresh`: in a new interpreter, for what depends on the modules and the memory that a fork has already.
    """
    options = {"cwd": ROOT, "timeout": deadline(120), "env": None, **options}
    is_plain = not fresh and options.keys() == {"cwd", "timeout", "env"}
    if forks and is_plain and can_run(command, options["env"]):
        return forks.finished(command, **options)
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def free_port() -> int:
    """Return a free port that no earlier call has returned."""
    port = ports.pick_free(excluded=frozenset(_given))
    _given.add(port)
    return port

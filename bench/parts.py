"""The processes of the benchmark: started on loopback, counted by group, stopped at the end."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from project.up.probes import Probe

ROOT = Path(__file__).parent.parent
READY_SECS = 60  # to be ready, on a busy machine
STOP_SECS = 20  # to end by itself
POLL_SECS = 0.05  # between two probes of a part
LOG_CHARS = 2000  # of a log, for the message


class PartError(Exception):
    """A part did not start, or ended too early."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process, and the group that its CPU is counted in."""

    name: str
    group: str  # web, worker, broker, upstream
    popen: subprocess.Popen[bytes]
    log: Path

    def tree(self) -> Iterator[psutil.Process]:
        """Yield the process and its descendants."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.popen.pid)
            yield process
            yield from process.children(recursive=True)


@dataclass
class Parts:
    """The processes of one design."""

    directory: Path
    env: dict[str, str]  # of every process that is started
    started: list[Part] = field(default_factory=list)

    def write(self, name: str, text: str) -> None:
        """Write a file that the processes read."""
        self.directory.mkdir(exist_ok=True)
        (self.directory / name).write_text(text)

    def start(self, name: str, group: str, *command: str) -> Part:
        """Start a process; what it prints goes to a file."""
        log = self.directory / f"{name}.log"
        with log.open("ab") as output:
            popen = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        part = Part(name, group, popen, log)
        self.started.append(part)
        return part

    def python(self, name: str, group: str, module: str, *arguments: str) -> Part:
        """Start a Python module."""
        return self.start(name, group, sys.executable, "-m", module, *arguments)

    async def run(self, *command: str) -> None:
        """Run a command to its end. Raises PartError with what it printed."""
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            env={**os.environ, **self.env},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode:
            message = f"{' '.join(command)}: {output.decode()[-LOG_CHARS:]}"
            raise PartError(message)

    async def wait_for(self, part: Part, probe: Probe) -> None:
        """Wait until the part is ready. Raises PartError with the end of its log."""
        give_up_at = time.monotonic() + READY_SECS
        while shortfall := await probe.shortfall():
            if part.popen.poll() is not None or time.monotonic() > give_up_at:
                message = f"{part.name}: {shortfall}\n{part.log.read_text()[-LOG_CHARS:]}"
                raise PartError(message)
            await asyncio.sleep(POLL_SECS)

    def cpu_secs(self) -> dict[str, float]:
        """User and system seconds so far, by group."""
        return self._by_group(lambda process: sum(process.cpu_times()[:2]))

    def rss_bytes(self) -> dict[str, float]:
        """Resident memory, by group."""
        return self._by_group(lambda process: process.memory_info().rss)

    def _by_group(self, figure: Callable[[psutil.Process], float]) -> dict[str, float]:
        sums: dict[str, float] = {}
        for part in self.started:
            for process in part.tree():
                with suppress(psutil.NoSuchProcess):
                    sums[part.group] = sums.get(part.group, 0) + figure(process)
        return sums

    def log_tails(self) -> str:
        """Return the end of every log, for debugging."""
        return "\n".join(f"--- {part.name}\n{part.log.read_text()[-LOG_CHARS:]}" for part in self.started)

    def stop(self) -> None:
        """Stop every process, the last started first."""
        for part in reversed(self.started):
            part.popen.terminate()
            try:
                part.popen.wait(STOP_SECS)
            except subprocess.TimeoutExpired:
                for process in part.tree():
                    process.kill()
                part.popen.wait()
        self.started.clear()

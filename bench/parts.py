"""The processes of the benchmark: started on loopback, counted by group, stopped at the end."""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from project.up.probes import Probe
from tests.harness.processes import TAIL_CHARS, Process, cpu_secs, finished
from tests.harness.waiting import POLL_SECS, deadline

READY_SECS = 60  # to be ready


class PartError(Exception):
    """A part did not start, or ended too early."""


@dataclass
class Part(Process):
    """A process, and the group that its CPU is counted in."""

    group: str = ""  # web, worker, broker, upstream

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
    folders: list[Path] = field(default_factory=list)  # removed at the end

    def write(self, name: str, text: str) -> None:
        """Write a file that the processes read."""
        self.directory.mkdir(exist_ok=True)
        (self.directory / name).write_text(text)

    def start(self, name: str, group: str, *command: str, user: str | None = None) -> Part:
        """Start a process; what it prints goes to a file."""
        part = Part(self.directory / f"{name}.log", command, os.environ | self.env, user=user, group=group)
        self.started.append(part)
        return part.start()

    def python(self, name: str, group: str, module: str, *arguments: str) -> Part:
        """Start a Python module."""
        return self.start(name, group, sys.executable, "-m", module, *arguments)

    async def run(self, *command: str) -> None:
        """Run a command to its end. Raises PartError with what it printed."""
        await self.output(*command)

    async def output(self, *command: str) -> str:
        """Run a command to its end, and return its output. Raises PartError with what it printed."""
        done = await asyncio.to_thread(finished, *command, env=os.environ | self.env)
        if done.returncode:
            message = f"{' '.join(command)}: {done.stderr[-TAIL_CHARS:]}"
            raise PartError(message)
        return done.stdout

    async def wait_for(self, part: Part, probe: Probe) -> None:
        """Wait until the part is ready. Raises PartError with the end of its log."""
        begun = time.monotonic()
        while shortfall := await probe.shortfall():
            if not part.is_running or time.monotonic() - begun > deadline(READY_SECS):
                message = f"{part.log.stem}: {shortfall}\n{part.tail()}"
                raise PartError(message)
            await asyncio.sleep(POLL_SECS)

    def cpu_secs(self) -> dict[str, float]:
        """User and system seconds so far, by group."""
        return self._by_group(lambda process: cpu_secs(process.pid))

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
        return "\n".join(part.tail() for part in self.started)

    def stop(self) -> None:
        """Stop every process, the last started first."""
        for part in reversed(self.started):
            part.stop()
        self.started.clear()
        for folder in self.folders:
            shutil.rmtree(folder)
        self.folders.clear()

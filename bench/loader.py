"""Run the load as a process, and read its figures."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bench.tokens import WrongStreamError
from tests.harness.processes import ROOT, cpu_secs

Figures = dict[str, Any]


class VoidRunError(Exception):
    """A stream was wrong, or did not end: the run is void."""


class UnansweredError(VoidRunError):
    """A stream was refused, incomplete or far too slow, but none wrong."""


@dataclass(frozen=True, slots=True)
class Loader:
    """A load with open sockets. Methods raise VoidRunError if it failed."""

    process: asyncio.subprocess.Process

    async def go(self) -> None:
        """Let it continue: ask, or end."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        await self.process.stdin.drain()

    async def seen(self) -> Figures:
        """Wait for all answers, and return the figures."""
        figures: Figures = json.loads(await self.line())
        return figures

    async def line(self) -> str:
        """Return its next line."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        line = (await self.process.stdout.readline()).decode()
        if not line:
            message = (await self.process.stderr.read()).decode().strip()
            kind = VoidRunError if message.startswith(WrongStreamError.__name__) else UnansweredError
            raise kind(message)
        return line.strip()

    def cpu_secs(self) -> float:
        """User and system seconds so far."""
        return cpu_secs(self.process.pid)


@asynccontextmanager
async def loading(
    dialect: str,
    ports: Sequence[int],
    sockets: int,
    *words: str,
    log: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Loader]:
    """Start a load and open its sockets, until the context ends. `log` gets the progress."""
    command = ["--dialect", dialect, "--port", *map(str, ports), "--sockets", str(sockets), *words]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.load",
        *command,
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    loader = Loader(process)
    try:
        while (line := await loader.line()) != "ready":
            log(line)
        yield loader
        await loader.go()
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

"""Run the load as a process.

arrow in: the work, and the ports · arrow out: the output of `bench.load`, as figures
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import psutil

from bench.parts import ROOT
from bench.tokens import WrongStreamError

Figures = dict[str, Any]


class VoidRunError(Exception):
    """A stream was wrong, or did not end: the run is void."""


class UnansweredError(VoidRunError):
    """No stream was wrong, but one was refused, incomplete or far too slow."""


@dataclass(frozen=True, slots=True)
class Loader:
    """A load whose sockets are open. Every method raises VoidRunError if it failed."""

    process: asyncio.subprocess.Process

    async def go(self) -> None:
        """Make it continue: ask, or end."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        await self.process.stdin.drain()

    async def seen(self) -> Figures:
        """Wait until all answers are read, and return the figures."""
        figures: Figures = json.loads(await self.line())
        return figures

    async def line(self) -> str:
        """Return the next line that it prints."""
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
        return float(sum(psutil.Process(self.process.pid).cpu_times()[:2]))


@asynccontextmanager
async def loading(
    dialect: str,
    ports: Sequence[int],
    sockets: int,
    *words: str,
    log: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Loader]:
    """Start a load and open its sockets; they are closed with the context. `log` gets the progress."""
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

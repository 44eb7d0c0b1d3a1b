"""The load, as a process: started, told to go, asked what it saw.

arrow in: what to do, and where · arrow out: what `bench.load` prints, as figures
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
    """A stream was wrong, or did not end: the run says nothing."""


class UnansweredError(VoidRunError):
    """No stream was wrong, but one was refused, broken off or far too slow."""


@dataclass(frozen=True, slots=True)
class Loader:
    """A load whose sockets are open. Every method raises VoidRunError when it failed."""

    process: asyncio.subprocess.Process

    async def go(self) -> None:
        """Let it go on: ask, or end."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        await self.process.stdin.drain()

    async def seen(self) -> Figures:
        """Wait until all answers are read, and give what it saw."""
        figures: Figures = json.loads(await self.line())
        return figures

    async def line(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        said = (await self.process.stdout.readline()).decode()
        if not said:
            message = (await self.process.stderr.read()).decode().strip()
            kind = VoidRunError if message.startswith(WrongStreamError.__name__) else UnansweredError
            raise kind(message)
        return said.strip()

    def cpu_secs(self) -> float:
        """User and system seconds so far."""
        return float(sum(psutil.Process(self.process.pid).cpu_times()[:2]))


@asynccontextmanager
async def loading(
    dialect: str,
    ports: Sequence[int],
    sockets: int,
    *words: str,
    tell: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Loader]:
    """Start a load and open its sockets; they are closed with the context. `tell` hears how many are open."""
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
        while (said := await loader.line()) != "ready":
            tell(said)
        yield loader
        await loader.go()
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

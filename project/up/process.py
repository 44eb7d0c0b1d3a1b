"""One run of a part."""

import asyncio
import os
import signal
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Self

from django.conf import settings

from project.up.console import Console
from project.up.guard import Guard, kill_group
from project.up.parts import Part

TAIL_LINES = 20
MAX_LINE_BYTES = 65_536  # longer lines are split
HURRY_SECS = 1  # enough for idle parts
LOG_END_SECS = 1  # after the process: another may hold its pipe


class Process:
    """A process in a separate session, out of reach of Ctrl-C."""

    def __init__(
        self,
        part: Part,
        child: asyncio.subprocess.Process,
        log: asyncio.StreamReader,
        console: Console,
        guard: Guard,
    ) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._part = part
        self._child = child
        self._console = console
        self._guard = guard
        self._guard.watch(child.pid)
        self._shown = asyncio.create_task(self._show(log))
        self._ended = asyncio.create_task(self._wait())

    @classmethod
    async def start(cls, part: Part, console: Console, guard: Guard) -> Self:
        """Start the part; raises OSError."""
        log, output = await _open_pipe()
        with os.fdopen(output, "wb"):
            child = await asyncio.create_subprocess_exec(
                *part.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=part.env,
                cwd=settings.BASE_DIR,
                start_new_session=True,
                umask=0o077,  # its files are private
            )
        return cls(part, child, log, console, guard)

    @property
    def pid(self) -> int:
        """The process's id, also its group's."""
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """Whether the process runs."""
        return not self._ended.done()

    async def end(self) -> int:
        """Wait for the exit code, or the negative signal number."""
        return await asyncio.shield(self._ended)

    async def stop(self, hurry: asyncio.Event) -> int:
        """Send SIGTERM; SIGKILL after `stop_secs`, or HURRY_SECS after `hurry`."""
        with suppress(ProcessLookupError):
            self._child.send_signal(signal.SIGTERM)
        hurried = asyncio.create_task(hurry.wait())
        await asyncio.wait(
            {self._ended, hurried}, timeout=self._part.stop_secs, return_when=asyncio.FIRST_COMPLETED
        )
        if hurried.done():
            await asyncio.wait({self._ended}, timeout=HURRY_SECS)
        hurried.cancel()
        if self.is_running:
            kill_group(self.pid)
        return await self._ended

    async def _wait(self) -> int:
        code = await self._child.wait()
        kill_group(self.pid)  # and its children
        self._guard.forget(self.pid)
        await asyncio.wait({self._shown}, timeout=LOG_END_SECS)
        self._shown.cancel()
        return code

    async def _show(self, log: asyncio.StreamReader) -> None:
        async for line in _lines(log):
            self.tail.append(line)
            self._console.line(self._part.name, line)


async def _open_pipe() -> tuple[asyncio.StreamReader, int]:
    # with asyncio's own pipes, `wait` also waits for every process that inherited them
    incoming, outgoing = os.pipe()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(incoming, "rb", buffering=0)
    )
    return reader, outgoing


async def _lines(log: asyncio.StreamReader) -> AsyncIterator[str]:
    rest = b""
    while chunk := await log.read(MAX_LINE_BYTES):
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            whole, rest = [*whole, rest], b""
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")
    if rest:
        yield rest.decode(errors="replace")

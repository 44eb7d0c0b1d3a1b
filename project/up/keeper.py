"""Restart a part when it ends."""

import asyncio
import signal
import time
from collections.abc import Iterable
from typing import NoReturn

from project.up.console import Console
from project.up.errors import StartError
from project.up.guard import Guard
from project.up.parts import Part
from project.up.process import Process

FIRST_PAUSE_SECS, LONGEST_PAUSE_SECS = 0.5, 30.0
WELL_SECS = 60  # then a failure is a new one


class Backoff:
    """Doubling pauses between restarts, reset after WELL_SECS of health."""

    def __init__(self) -> None:
        self._pause = FIRST_PAUSE_SECS

    def after(self, alive_secs: float) -> float:
        """The pause in seconds after a run of `alive_secs`."""
        pause = FIRST_PAUSE_SECS if alive_secs >= WELL_SECS else self._pause
        self._pause = min(pause * 2, LONGEST_PAUSE_SECS)
        return pause


class Keeper:
    """Runs a part."""

    def __init__(self, part: Part, console: Console, guard: Guard) -> None:
        self.part = part
        self.is_settled = False
        self._console = console
        self._guard = guard
        self._process: Process | None = None

    async def keep(self) -> NoReturn:
        """Run and restart until cancelled; raises StartError before `is_settled`."""
        backoff = Backoff()
        while True:
            started_at = time.monotonic()
            end = await self._run_once()
            if not self.is_settled:
                message = f"{self.part.name} {end} during start-up.\n{explanation([self], self.part.remedy)}"
                raise StartError(message)
            pause = backoff.after(time.monotonic() - started_at)
            self._console.say(f"{self.part.name} {end}; it starts again in {pause:g} s")
            await asyncio.sleep(pause)

    async def run_to_end(self) -> None:
        """Run once; raises StartError unless the exit code is 0."""
        end = await self._run_once()
        if end != ending(0):
            message = f"{self.part.name} {end}.\n{explanation([self], self.part.remedy)}"
            raise StartError(message)

    async def stop(self, hurry: asyncio.Event) -> None:
        """Stop the process, if any, and report it. `keep` must be cancelled."""
        if self._process is not None and self._process.is_running:
            code = await self._process.stop(hurry)
            self._console.say(
                f"{self.part.name} stopped" if code == 0 else f"{self.part.name} {ending(code)}"
            )
            if code > 0:  # a failure, no signal
                self._console.say("\n".join(self.tail()))

    def tail(self) -> list[str]:
        """The log's last lines with a heading, if any."""
        lines = [f"  {line}" for line in self._process.tail] if self._process is not None else []
        return [f"Last lines of {self.part.name}:", *lines] if lines else []

    async def _run_once(self) -> str:
        try:
            self._process = await Process.start(self.part, self._console, self._guard)
        except OSError as error:
            return f"could not be started ({error.strerror})"
        return ending(await self._process.end())


def explanation(keepers: Iterable[Keeper], remedy: str) -> str:
    """The parts' last lines, and the remedy."""
    return "\n".join([*(line for keeper in keepers for line in keeper.tail()), remedy])


def ending(code: int) -> str:
    """Describe an exit code, or a negative signal number."""
    return f"ended with exit code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"

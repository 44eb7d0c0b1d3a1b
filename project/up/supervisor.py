"""Start and stop the parts in order; restart them."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from project.up.console import Console
from project.up.errors import StartError
from project.up.guard import Guard
from project.up.keeper import Keeper, explanation
from project.up.parts import Part, Plan, Wait

PROGRESS_SECS = 5


class StopRequestedError(Exception):
    """Ctrl-C, SIGTERM or a closed terminal."""


class Supervisor:
    """Runs a plan until a signal stops it."""

    def __init__(self, plan: Plan, console: Console, guard: Guard) -> None:
        self._plan = plan
        self._console = console
        self._guard = guard
        self._keepers: list[Keeper] = []
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self, welcome: Callable[[], str]) -> None:
        """Run until a signal; `welcome` is shown when all is ready.

        A failed start stops all parts, then raises StartError.
        """
        self._handle_signals()
        failure: StartError | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._until_stop())
                await self._start(tasks)
                self._console.say(welcome())
                self._console.show_parts()
        except* StopRequestedError:
            pass
        except* StartError as errors:
            failure = next(error for error in errors.exceptions if isinstance(error, StartError))
        finally:
            await self._stop_all()
            self._console.say("all parts have stopped")
        if failure is not None:
            raise failure

    async def _start(self, tasks: asyncio.TaskGroup) -> None:
        """Servers, then preparations, then the rest, then the page."""
        for name, wait in self._plan.outside.items():
            await self._until_ready(name, wait)
        for part in self._plan.servers:
            await self._start_part(tasks, part)
        await asyncio.gather(*(self._prepare(part) for part in self._plan.preparations))
        await asyncio.gather(*(self._start_part(tasks, part) for part in self._plan.processes))
        await self._until_ready("page", self._plan.page, self._keepers)
        for keeper in self._keepers:
            keeper.is_settled = True

    async def _start_part(self, tasks: asyncio.TaskGroup, part: Part) -> None:
        keeper = self._keeper(part)
        tasks.create_task(keeper.keep())
        if part.wait is not None:
            await self._until_ready(part.name, part.wait, [keeper])

    async def _prepare(self, part: Part) -> None:
        async with timed(self._console, part.name, "done"):
            await self._keeper(part).run_to_end()

    def _keeper(self, part: Part) -> Keeper:
        keeper = Keeper(part, self._console, self._guard)
        self._keepers.append(keeper)
        return keeper

    async def _until_ready(self, name: str, wait: Wait, keepers: Sequence[Keeper] = ()) -> None:
        """Probe until ready; raises StartError with the last lines of `keepers`."""
        deadline = time.monotonic() + wait.secs
        async with timed(self._console, name, "ready"):
            while shortfall := await wait.probe.shortfall():
                if time.monotonic() > deadline:
                    more = explanation(keepers, wait.remedy)
                    message = f"{name} was not ready within {wait.secs:g} s: {shortfall}\n{more}"
                    raise StartError(message)
                await asyncio.sleep(wait.pause_secs)

    async def _until_stop(self) -> None:
        await self._stop.wait()
        raise StopRequestedError

    async def _stop_all(self) -> None:
        """Stop clients before their servers."""
        for turn in sorted({keeper.part.stop_turn for keeper in self._keepers}):
            now = [keeper for keeper in self._keepers if keeper.part.stop_turn == turn]
            await asyncio.gather(*(keeper.stop(self._hurry) for keeper in now))

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # nohup
            loop.add_signal_handler(number, self._request_stop)

    def _request_stop(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
            return
        self._stop.set()
        self._console.hide_parts()
        longest = max(part.stop_secs for part in (*self._plan.servers, *self._plan.processes))
        self._console.say(
            f"stopping: each part has up to {longest:.0f} s; a second Ctrl-C kills it after 1 s"
        )


@asynccontextmanager
async def timed(console: Console, name: str, done: str) -> AsyncIterator[None]:
    """Show the duration of a step, and every PROGRESS_SECS its progress."""
    began = time.monotonic()
    progress = asyncio.create_task(_show_progress(console, name, began))
    try:
        yield
    finally:
        progress.cancel()
    console.say(f"{name} {done} in {time.monotonic() - began:.1f} s")


async def _show_progress(console: Console, name: str, began: float) -> None:
    while True:
        await asyncio.sleep(PROGRESS_SECS)
        console.say(f"{name} … {time.monotonic() - began:.0f} s")

"""A temporary directory, one upstream, and designs started on request."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from bench.designs import ALL, Scale
from bench.parts import Parts
from bench.runs import Running, Work, run, running, upstream

WARM_UP_TOKENS = 20  # per stream, before measuring
WARM_UP_STREAMS = 50  # at most


@dataclass(frozen=True, slots=True)
class Plan:
    """The command line's options."""

    work: Work
    rounds: int
    dear_tokens: int  # per answer of an expensive design
    designs: Sequence[str]

    def among(self, names: Iterable[str]) -> list[str]:
        """Return a section's selected designs."""
        return [name for name in names if name in self.designs]


@dataclass(frozen=True, slots=True)
class Ground:
    """The plan, the upstream, the directory of the parts."""

    plan: Plan
    directory: Path
    server: tuple[Parts, int]
    _numbers: Iterator[int] = field(default_factory=count)

    @asynccontextmanager
    async def design(
        self, name: str, works: Sequence[Work], scale: Scale | None = None
    ) -> AsyncIterator[Running]:
        """Start a design for `works`, and warm it up; it ends with the context."""
        most = max(work.streams for work in works)
        scale = scale or Scale(streams=most)
        warm_up = Work(min(most, WARM_UP_STREAMS), WARM_UP_TOKENS, works[0].rate)
        log(f"starting {name} ({scale})")
        place = self.directory / f"{next(self._numbers)}-{name}"
        async with running(ALL[name], scale, place, self.server) as target:
            await run(target, warm_up)
            yield target


async def all_entered(
    stack: AsyncExitStack, designs: Iterable[AbstractAsyncContextManager[Running]]
) -> list[Running]:
    """Start designs side by side; they end with the stack. Raises the first error."""
    entering = (stack.enter_async_context(design) for design in designs)
    entered = await asyncio.gather(*entering, return_exceptions=True)
    for each in entered:
        if isinstance(each, BaseException):
            raise each
    return [each for each in entered if isinstance(each, Running)]


@asynccontextmanager
async def prepared(plan: Plan) -> AsyncIterator[Ground]:
    """Start the upstream in a temporary directory."""
    with tempfile.TemporaryDirectory(prefix="tailrace-bench-") as directory:
        async with upstream(Path(directory)) as server:
            yield Ground(plan, Path(directory), server)


def log(line: str) -> None:
    """Print the progress."""
    print(f"… {line}", file=sys.stderr, flush=True)

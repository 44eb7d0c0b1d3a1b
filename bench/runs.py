"""One run of one design: open sockets, start the clock, read all answers, count the CPU."""

import asyncio
import statistics
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.designs import Design, Scale, catalog, environment
from bench.loader import Figures, Loader, VoidRunError, loading
from bench.parts import Parts
from project.up.ports import HOST, pick_free
from project.up.probes import ConnectProbe

SETTLE_SECS = 0.5  # after the last frame rows are settled and jobs acknowledged
GROUPS = ("web", "worker", "broker")  # a design's cost; upstream and load are the yardstick
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Work:
    """A number of streams at once, their tokens, and tokens per second."""

    streams: int
    tokens: int
    rate: float

    def __str__(self) -> str:
        return f"{self.streams} streams at {self.rate:g} tokens/s, {self.tokens} tokens each"

    @property
    def prompt(self) -> str:
        """The prompt of each stream."""
        return f"[stamped-{self.tokens}@{self.rate:g}]"


@dataclass(frozen=True, slots=True)
class Running:
    """A running design and its upstream."""

    design: Design
    parts: Parts
    upstream: Parts
    ports: Sequence[int]


@asynccontextmanager
async def upstream(directory: Path) -> AsyncIterator[tuple[Parts, int]]:
    """Start the scripted model server; yields its parts and port."""
    parts, port = Parts(directory, {}), pick_free()
    try:
        part = parts.python("upstream", "upstream", "tests.harness.upstream", "--port", str(port))
        await parts.wait_for(part, ConnectProbe(HOST, port))
        yield parts, port
    finally:
        parts.stop()


@asynccontextmanager
async def running(
    design: Design, scale: Scale, directory: Path, server: tuple[Parts, int]
) -> AsyncIterator[Running]:
    """Start a design on an upstream, until the context ends."""
    upstream_parts, upstream_port = server
    parts = Parts(directory, environment(upstream_port))
    parts.write("models.toml", catalog(upstream_port))
    try:
        yield Running(design, parts, upstream_parts, await design.start(parts, scale))
    finally:
        parts.stop()


async def run(target: Running, work: Work, *words: str) -> Figures:
    """Do the work once; `words` extend the load's command line. Raises VoidRunError."""
    with blamed(target):
        async with loading_for(target, work, *words) as loader:
            before = cpu_secs(target)
            await loader.go()
            result = await loader.seen()
            await asyncio.sleep(SETTLE_SECS)
            after = cpu_secs(target)
            memory = target.parts.rss_bytes()
    cost = {group: after[group] - before.get(group, 0) for group in after}
    return _figures(result, cost, memory)


@contextmanager
def blamed(target: Running) -> Iterator[None]:
    """Add the design and the ends of its logs to a void run's error."""
    try:
        yield
    except VoidRunError as error:
        message = f"{target.design.name}: {error}\n{target.parts.log_tails()}"
        raise type(error)(message) from error


def loading_for(
    target: Running, work: Work, *words: str, log: Callable[[str], None] = lambda _: None
) -> AbstractAsyncContextManager[Loader]:
    """Return the load; `words` extend its command line."""
    script = ("--prompt", work.prompt, "--tokens", str(work.tokens), "--rate", str(work.rate))
    return loading(target.design.dialect, target.ports, work.streams, *script, *words, log=log)


def cpu_secs(target: Running) -> dict[str, float]:
    """Return CPU seconds so far by group, including the upstream."""
    return target.parts.cpu_secs() | target.upstream.cpu_secs()


def _figures(seen: Figures, cost: dict[str, float], memory: dict[str, float]) -> Figures:
    tokens = seen["tokens"]
    per_token = {group: secs * MICROSECONDS / tokens for group, secs in cost.items()}
    groups = [*GROUPS, *({"database"} & {*cost})]  # a server; SQLite is part of the others
    return {
        "cpu_us_per_token": {group: per_token.get(group, 0.0) for group in groups}
        | {"total": sum(per_token.get(group, 0.0) for group in groups)},
        "yardstick_us_per_token": {
            "upstream": per_token["upstream"],
            "load": seen["cpu_secs"] * MICROSECONDS / tokens,
        },
        "ttft_ms": seen["ttft_ms"],
        "latency_ms": seen["latency_ms"],
        "tokens": tokens,
        "tokens_per_sec": tokens / seen["secs"],
        "tokens_per_frame": tokens / seen["frames"],
        "streams": seen["streams"],
        "rss_mb": {group: size / 1e6 for group, size in memory.items()},
    }


def median_of(rounds: Sequence[Figures]) -> Figures:
    """Return the median of each figure; `spread` has the lowest and highest."""
    spread: Figures = {}
    merged: Figures = {"rounds": len(rounds)}
    for name, first in rounds[0].items():
        if isinstance(first, dict):
            merged[name] = {key: statistics.median(each[name][key] for each in rounds) for key in first}
            spread[name] = {key: _ends(each[name][key] for each in rounds) for key in first}
        else:
            merged[name] = statistics.median(each[name] for each in rounds)
            spread[name] = _ends(each[name] for each in rounds)
    return merged | {"spread": spread}


def _ends(values: Any) -> list[float]:
    ordered = sorted(values)
    return [ordered[0], ordered[-1]]

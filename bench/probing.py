"""A probe: figures of many streams while all run."""

import asyncio
import math

from bench.load import STAGGER_SECS
from bench.loader import Figures
from bench.runs import Running, Work, blamed, cpu_secs, loading_for

RATE = 50  # tokens per second and stream
STEADY_SECS = 8  # while all streams run
PERCENT = 100


def work_of(streams: int) -> Work:
    """Return this many streams, long enough for the steady seconds."""
    return Work(streams, math.ceil(RATE * (streams * STAGGER_SECS + STEADY_SECS)), RATE)


async def probe(target: Running, streams: int) -> Figures:
    """Run them, checking every token, also after the steady seconds."""
    work = work_of(streams)
    with blamed(target):
        async with loading_for(target, work, "--steady", str(STEADY_SECS)) as loader:

            def cpu() -> dict[str, float]:
                return cpu_secs(target) | {"load": loader.cpu_secs()}

            await loader.go()
            await asyncio.sleep(streams * STAGGER_SECS)
            before = cpu()
            await asyncio.sleep(STEADY_SECS)
            after = cpu()
            seen = (await loader.seen())["steady"]
    busy = {group: (after[group] - before[group]) / STEADY_SECS * PERCENT for group in after}
    return {"streams": streams, "offered_per_sec": streams * RATE, "cpu_percent": busy, **seen}

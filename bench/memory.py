"""Section: the memory of many slow answers at once in one worker process.

The worker is warm, and a few answers have run in it. Its largest growth while all run is divided by their
number: this includes threads, connections to the model and texts.
"""

import asyncio

from bench.ground import Ground, log
from bench.load import STAGGER_SECS
from bench.loader import Figures
from bench.runs import Running, Work, blamed, loading_for

RATE = 2  # tokens per second of each
STREAMS = 500
ALL_RUN_SECS = 10  # after the last has begun
SAMPLE_SECS = 0.5
BYTES_PER_KB = 1000


async def measured(ground: Ground) -> Figures:
    """Return the kilobytes per running stream in the worker."""
    work = work_of(STREAMS)
    async with ground.design("tailrace", [work]) as target:
        return await watched(target, work)


def work_of(streams: int) -> Work:
    """Return so many streams, each long enough for all to run at once."""
    return Work(streams, round((streams * STAGGER_SECS + ALL_RUN_SECS) * RATE), RATE)


async def watched(target: Running, work: Work) -> Figures:
    """Run the streams, and sample the worker's memory until they end."""
    log(f"memory of {work}")
    before = {name: size / BYTES_PER_KB for name, size in target.parts.rss_bytes().items()}
    highest = dict(before)
    with blamed(target):
        async with loading_for(target, work, log=log) as loader:
            await loader.go()
            reading = asyncio.create_task(loader.seen())
            while not reading.done():
                await asyncio.wait([reading], timeout=SAMPLE_SECS)
                for name, size in target.parts.rss_bytes().items():
                    highest[name] = max(highest[name], size / BYTES_PER_KB)
            await reading
    grown = {name: (highest[name] - before[name]) / work.streams for name in highest}
    return {
        "streams": work.streams,
        "kb_per_stream": grown["worker"],
        "kb_per_stream_by_group": grown,
        "rss_mb": {"before": before["worker"] / BYTES_PER_KB, "highest": highest["worker"] / BYTES_PER_KB},
    }

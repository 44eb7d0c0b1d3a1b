"""Section: the memory of many slow answers at once in one worker process.

The largest growth of a warm worker per answer, including threads, connections to the model and texts.
"""

import asyncio

from bench.ground import Ground, log
from bench.load import STAGGER_SECS
from bench.loader import Figures
from bench.runs import Running, Work, blamed, loading_for

RATE = 2  # tokens per second and stream
STREAMS = 500
ALL_RUN_SECS = 10  # after the last has begun
SAMPLE_SECS = 0.5
BYTES_PER_KB = 1000


async def measured(ground: Ground) -> Figures:
    """Return the worker's kilobytes per running stream."""
    work = work_of(STREAMS)
    async with ground.design("tailrace", [work]) as target:
        return await watched(target, work)


def work_of(streams: int) -> Work:
    """Return this many streams, long enough to run all at once."""
    return Work(streams, round((streams * STAGGER_SECS + ALL_RUN_SECS) * RATE), RATE)


async def watched(target: Running, work: Work) -> Figures:
    """Run the streams, sampling the worker's memory."""
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

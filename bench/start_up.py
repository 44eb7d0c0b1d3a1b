"""Section: seconds from a worker process's start until the web tier counts it as alive."""

import statistics
import time

from bench.designs import Scale, start_worker
from bench.ground import Ground, log
from bench.loader import Figures
from bench.runs import Work
from project.up.probes import WholeProbe

WORKERS = 3  # started in turn, beside the first


async def measured(ground: Ground) -> Figures:
    """Return `secs` of each worker, and `median_secs`."""
    secs: list[float] = []
    async with ground.design("tailrace", [Work(1, 1, 50)], Scale()) as target:
        for number in range(1, WORKERS + 1):
            log(f"starting worker {number} of {WORKERS}")
            begun = time.monotonic()
            part = start_worker(target.parts, "project", f"late-{number}")
            await target.parts.wait_for(part, WholeProbe(target.ports[0], 1 + number))
            secs.append(time.monotonic() - begun)
    return {"secs": secs, "median_secs": statistics.median(secs)}

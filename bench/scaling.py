"""Section: the throughput of more processes, Tailrace overloaded."""

from bench.designs import Scale
from bench.ground import Ground, log
from bench.loader import Figures
from bench.probing import probe, work_of

STREAMS = 640
SCALES = [Scale(web, workers, STREAMS) for web in (1, 2) for workers in (1, 2, 4)]


async def measured(ground: Ground) -> Figures:
    """Return `points`: per scale the arrived `tokens_per_sec`, and each group's CPU."""
    work = work_of(STREAMS)
    points = []
    for scale in SCALES:
        async with ground.design("tailrace", [work], scale) as target:
            log(f"{scale.workers} workers, {scale.web} web: {work}")
            points.append({"web": scale.web, "workers": scale.workers} | await probe(target, STREAMS))
    return {"streams": STREAMS, "points": points}

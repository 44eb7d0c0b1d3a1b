"""The queues of the models: whether somebody takes what is in them."""

import time
from collections.abc import Sequence

from chat.responses.model_catalog import catalog
from chat.transport.heartbeats import HEARTBEAT_SECS, Figures
from chat.transport.job_queue import waiting
from project.doctor.finding import Finding, error, ok, warning
from project.doctor.workers import START, alive


def examine() -> list[Finding]:
    """Ask the broker and the beats, and judge. Raises what `chat.transport.outages` names."""
    depths = _depths()
    beats = alive()  # after the depths: a worker that took a job has told it
    return [judged(queue, depth, beats) for queue, depth in depths.items()]


def _depths() -> dict[str, int]:
    """How many jobs wait in each queue, and still do a beat later: one may have just been put there."""
    depths = {queue: waiting(queue) for queue in sorted({model.queue for model in catalog().values()})}
    if any(depths.values()):
        time.sleep(HEARTBEAT_SECS)
    return {queue: min(depth, waiting(queue)) if depth else 0 for queue, depth in depths.items()}


def judged(queue: str, depth: int, beats: Sequence[Figures]) -> Finding:
    """A queue with so many waiting jobs, beside the living workers."""
    what, found = f"queue {queue}", f"{depth} waiting"
    serving = [figures for figures in beats if queue in figures.get("queues", [queue])]
    if not serving and depth:
        return error(what, f"{found}, and no worker serves it", _served_by(queue, beats))
    if not serving and beats:
        return warning(what, "no worker serves it", _served_by(queue, beats))
    if depth and any(map(_is_idle, serving)):
        remedy = "Look into the log of the idle worker and start it again: it does not take what waits."
        return warning(what, f"{found} though a worker has room", remedy)
    if depth > _room(serving):
        remedy = "Start more workers: more wait than the living ones can write at once."
        return warning(what, found, remedy)
    return ok(what, found)


def _served_by(queue: str, beats: Sequence[Figures]) -> str:
    return f"Start a worker without `-Q`, or with `-Q {queue}`." if beats else START


def _is_idle(figures: Figures) -> bool:
    return len(figures["running"]) < int(figures.get("concurrency", 0))


def _room(serving: Sequence[Figures]) -> int:
    """How many answers these workers write at once; one of an older version does not tell."""
    return sum(figures.get("concurrency", 1) for figures in serving)

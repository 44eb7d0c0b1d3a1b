"""Check that live workers serve the models' queues."""

import time
from collections.abc import Iterable, Sequence

from chat.conf import conf
from chat.responses.model_catalog import catalog
from chat.transport.heartbeats import HEARTBEAT_SECS, WorkerStatus
from chat.transport.job_queue import TITLES, waiting
from project.doctor.finding import Finding, error, ok, warning
from project.doctor.workers import START, alive


def examine() -> list[Finding]:
    """Raises `outages.UNAVAILABLE`."""
    titles = {TITLES} if conf.TITLE_MODEL else set()
    return of({*titles, *(model.queue for model in catalog().values())})


def of(names: Iterable[str]) -> list[Finding]:
    """Judge queues. Raises `outages.UNAVAILABLE`."""
    depths = _depths(sorted(names))
    heartbeats = alive()  # after the depths: jobs taken meanwhile are in them
    return [judged(queue, depth, heartbeats) for queue, depth in depths.items()]


def _depths(names: Sequence[str]) -> dict[str, int]:
    """The depth of each queue; a job must wait for a heartbeat to count."""
    depths = {queue: waiting(queue) for queue in names}
    if any(depths.values()):
        time.sleep(HEARTBEAT_SECS)
    return {queue: min(depth, waiting(queue)) if depth else 0 for queue, depth in depths.items()}


def judged(queue: str, depth: int, heartbeats: Sequence[WorkerStatus]) -> Finding:
    """Judge a queue."""
    what, found = f"queue {queue}", f"{depth} waiting"
    serving = [figures for figures in heartbeats if queue in figures.get("queues", [queue])]
    if not serving and depth:
        return error(what, f"{found}, and no worker serves it", _served_by(queue, heartbeats))
    if not serving and heartbeats:
        return warning(what, "no worker serves it", _served_by(queue, heartbeats))
    if depth and any(map(_is_idle, serving)):
        remedy = "Read the log of the idle worker and restart it: it does not take the waiting jobs."
        return warning(what, f"{found} though a worker has room", remedy)
    if depth > _room(serving):
        remedy = "Start more workers: more jobs wait than the live ones can run at once."
        return warning(what, found, remedy)
    return ok(what, found)


def _served_by(queue: str, heartbeats: Sequence[WorkerStatus]) -> str:
    return f"Start a worker without `-Q`, or with `-Q {queue}`." if heartbeats else START


def _is_idle(figures: WorkerStatus) -> bool:
    return len(figures["running"]) < int(figures.get("concurrency", 0))


def _room(serving: Sequence[WorkerStatus]) -> int:
    """The total concurrency; older versions do not report theirs."""
    return sum(figures.get("concurrency", 1) for figures in serving)

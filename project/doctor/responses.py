"""Check that a live worker has each running response."""

from datetime import timedelta

from django.db import Error
from django.utils import timezone

from chat.models import Response, Status
from project.doctor.finding import Finding, ok, warning
from project.doctor.workers import alive

STUCK_SECS = 30  # the reaper needs at most half
LOGS = "If workers are alive, check their logs for the reaper."


def examine() -> list[Finding]:
    """Raises `outages.UNAVAILABLE`; a database error is a finding."""
    try:
        ids, queued = _rows()
    except Error as trouble:
        remedy = "Run `manage.py migrate` first: the table cannot be read."
        return [warning("responses", f"not checked ({type(trouble).__name__})", remedy)]
    heartbeats = alive()  # after the rows: new responses are no orphans
    claimed = {response_id for figures in heartbeats for response_id in figures["running"]}
    return judged(len(ids - claimed), 0 if heartbeats else queued)


def _rows() -> tuple[set[str], int]:
    """The ids running, and the number queued, for over STUCK_SECS."""
    before = timezone.now() - timedelta(seconds=STUCK_SECS)
    running = Response.objects.filter(status=Status.IN_PROGRESS, started_at__lt=before)
    queued = Response.objects.filter(status=Status.QUEUED, queued_at__lt=before)
    return set(running.wire_ids()), queued.count()


def judged(orphaned: int, queued: int) -> list[Finding]:
    """Judge orphaned and queued responses."""
    findings = []
    if orphaned:
        remedy = f"Start a worker: within seconds it takes them over. {LOGS}"
        found = f"{orphaned} run for more than {STUCK_SECS} s, and no live worker has them"
        findings.append(warning("running responses", found, remedy))
    if queued:
        found = f"{queued} wait for more than {STUCK_SECS} s, and no worker is alive"
        findings.append(warning("queued responses", found, "Start a worker: it takes them in their order."))
    return findings or [ok("responses", "each running one has a worker")]

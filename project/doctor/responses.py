"""The responses that have not ended: whether somebody is at work on each of them."""

from datetime import timedelta

from django.db import Error
from django.utils import timezone

from chat.models import Response, Status
from project.doctor.finding import Finding, ok, warning
from project.doctor.workers import alive

STUCK_SECS = 30  # the reaper needs at most half of it, also after Redis was away
LOGS = "If workers live, their logs say what keeps the reaper."


def examine() -> list[Finding]:
    """Ask the database and the heartbeats, and judge. Raises `outages.UNAVAILABLE`, but no database error."""
    try:
        ids, queued = _rows()
    except Error as trouble:
        remedy = "First run `manage.py migrate`: their table cannot be read."
        return [warning("responses", f"not looked at ({type(trouble).__name__})", remedy)]
    beats = alive()  # after the rows: what began meanwhile is held, not orphaned
    held = {response_id for figures in beats for response_id in figures["running"]}
    return judged(len(ids - held), 0 if beats else queued)


def _rows() -> tuple[set[str], int]:
    """Those that run for long, and how many wait for long."""
    before = timezone.now() - timedelta(seconds=STUCK_SECS)
    running = Response.objects.filter(status=Status.IN_PROGRESS, started_at__lt=before)
    queued = Response.objects.filter(status=Status.QUEUED, queued_at__lt=before)
    return {str(response_id) for response_id in running.values_list("id", flat=True)}, queued.count()


def judged(orphaned: int, queued: int) -> list[Finding]:
    """So many running that no living worker holds, and so many queued while no worker lives."""
    findings = []
    if orphaned:
        remedy = f"Start a worker: within seconds it takes them over. {LOGS}"
        found = f"{orphaned} run for more than {STUCK_SECS} s, and no living worker holds them"
        findings.append(warning("running responses", found, remedy))
    if queued:
        found = f"{queued} wait for more than {STUCK_SECS} s, and no worker lives"
        findings.append(warning("queued responses", found, "Start a worker: it takes them in their order."))
    return findings or [ok("responses", "none is left alone")]

"""Compare the machines' clocks, whose times rows carry.

A reaper whose clock is GONE_SECS ahead takes a fresh response for an orphan. Redis's and the database's
clocks only serve as references.
"""

from project.doctor.finding import Finding, error, ok, warning

APART_SECS = 1.0  # more than network latency
TOO_FAR_SECS = 5.0  # from 6 s: orphans
REMEDY = "Let a time service (chrony, systemd-timesyncd) set the clock of every machine"


def ahead(theirs: float, before: float, after: float) -> float:
    """Return by how many seconds `theirs` is outside our times around the query; negative: behind."""
    return max(theirs - after, 0.0) + min(theirs - before, 0.0)


def judged(what: str, apart_secs: float) -> Finding:
    """Judge clocks this far apart."""
    secs = abs(apart_secs)
    if secs > TOO_FAR_SECS:
        return error(what, f"{secs:.1f} s apart", f"{REMEDY}: running answers are taken for orphans.")
    if secs > APART_SECS:
        return warning(what, f"{secs:.1f} s apart", f"{REMEDY}: from 6 s on, answers are taken for orphans.")
    return ok(what, "the same time, within a second")

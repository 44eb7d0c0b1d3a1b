"""Compare the clocks of the machines.

Rows carry the times of the web and worker machines, and the reaper compares them with its own: if its clock
is GONE_SECS ahead, it takes a response that just started for an orphan. No time of Redis or of the database
is stored (expiry counts from now), so their clocks only show which machine's clock is wrong.
"""

from project.doctor.finding import Finding, error, ok, warning

APART_SECS = 1.0  # more than the network explains
TOO_FAR_SECS = 5.0  # short of the 6 s after which a fresh answer is taken for an orphan
REMEDY = "Let a time service (chrony, systemd-timesyncd) set the clock of every machine"


def ahead(theirs: float, before: float, after: float) -> float:
    """Return how far their clock is ahead of ours, in seconds; we asked at `before` and knew at `after`.

    A time between the two is no difference: it may be the network's.
    """
    return max(theirs - after, 0.0) + min(theirs - before, 0.0)


def judged(what: str, apart_secs: float) -> Finding:
    """Return the finding for clocks this far apart, in either direction."""
    secs = abs(apart_secs)
    if secs > TOO_FAR_SECS:
        return error(what, f"{secs:.1f} s apart", f"{REMEDY}: answers that run are taken for orphans.")
    if secs > APART_SECS:
        return warning(what, f"{secs:.1f} s apart", f"{REMEDY}: from 6 s on, answers are taken for orphans.")
    return ok(what, "the same time, within a second")

"""When an event that was not accepted is sent again, and when its webhook is disabled. Pure."""

from datetime import datetime, timedelta

# after each attempt, as Standard Webhooks proposes: 8 attempts in 28 hours
DELAYS_SECS = (5, 300, 1_800, 7_200, 18_000, 36_000, 36_000)
SPREAD = 0.2  # at most so much later, at random: a receiver that returns does not get all at once
DISABLED_AFTER = timedelta(days=5)  # without one accepted event
GONE = 410  # the receiver asks for no further events


def delay(attempts: int, chance: float) -> timedelta | None:
    """The time until the next attempt, after so many; None: give up. `chance`: random, from 0 to 1."""
    if attempts > len(DELAYS_SECS):
        return None
    return timedelta(seconds=DELAYS_SECS[attempts - 1] * (1 + SPREAD * chance))


def is_dead(status: int | None, failing_since: datetime | None, now: datetime) -> bool:
    """Whether to disable a webhook after a failure."""
    return status == GONE or (failing_since is not None and now - failing_since >= DISABLED_AFTER)

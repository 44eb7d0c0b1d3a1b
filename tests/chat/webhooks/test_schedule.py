"""The plan of repetitions."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.webhooks.schedule import DELAYS_SECS, SPREAD, delay, is_dead

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def test_there_are_eight_attempts_in_about_a_day() -> None:
    waits = [delay(attempts, 0) for attempts in range(1, 9)]
    assert waits.index(None) == 7
    total = sum(filter(None, waits), timedelta())
    assert timedelta(hours=24) < total < timedelta(hours=30)
    assert waits[0] == timedelta(seconds=5)


@given(st.integers(1, len(DELAYS_SECS)), st.floats(0, 1))
def test_each_wait_is_as_planned_or_a_little_longer(attempts: int, chance: float) -> None:
    least = timedelta(seconds=DELAYS_SECS[attempts - 1])
    wait = delay(attempts, chance)
    assert wait is not None
    assert least <= wait <= least * (1 + SPREAD) + timedelta(microseconds=1)


@given(st.integers(len(DELAYS_SECS) + 1, 100), st.floats(0, 1))
def test_after_the_last_there_is_no_attempt(attempts: int, chance: float) -> None:
    assert delay(attempts, chance) is None


@pytest.mark.parametrize(
    ("status", "days", "dead"),
    [
        (500, None, False),
        (500, 4.9, False),
        (500, 5, True),
        (None, 6, True),
        (410, None, True),
        (410, 0, True),
    ],
)
def test_a_webhook_is_disabled_after_five_days_or_if_it_asks_for_it(
    status: int | None, days: float | None, dead: bool
) -> None:
    assert is_dead(status, days if days is None else NOW - timedelta(days=days), NOW) == dead

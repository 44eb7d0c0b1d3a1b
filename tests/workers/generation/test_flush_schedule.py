"""The schedule of flushes, on a clock of the test's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.generation.flush_schedule import MAX_PERIOD_SECS, RETRY_SECS, FlushSchedule, interval


@pytest.mark.parametrize(
    ("streams", "flush_secs", "secs"),
    [(1, 0.001, 0.0092), (50, 0.020, 0.068), (100, 0.020, 0.080), (300, 0.085, 0.025), (300, 0.5, 0.008)],
)
def test_the_interval_shrinks_by_what_a_long_flush_takes(
    streams: int, flush_secs: float, secs: float
) -> None:
    assert interval(streams, flush_secs) == pytest.approx(secs)


@given(st.integers(1, 1000), st.floats(0, 0.1))
def test_two_flushes_begin_at_most_one_period_apart(streams: int, flush_secs: float) -> None:
    assert interval(streams, flush_secs) + flush_secs <= MAX_PERIOD_SECS + 1e-9


def flushed(*, failed: bool = False) -> FlushSchedule:
    """A schedule whose last flush, of one stream, ended at 10 s and took 1 ms."""
    schedule = FlushSchedule()
    schedule.request()
    schedule.begin(9.999)
    schedule.end(10, 1, failed=failed)
    return schedule


def test_without_a_request_none_is_due() -> None:
    assert FlushSchedule().delay(0) is None
    assert flushed().delay(20) is None


def test_a_request_waits_for_the_interval_and_an_urgent_one_does_not() -> None:
    schedule = flushed()
    assert schedule.request()
    assert schedule.delay(10.004) == pytest.approx(0.0052)
    assert schedule.delay(11) == 0
    assert not schedule.request()  # nothing is due sooner by it
    assert schedule.request(urgent=True)
    assert schedule.delay(10.004) == 0
    assert not schedule.request(urgent=True)


def test_what_is_requested_during_a_flush_is_for_the_next() -> None:
    schedule = flushed()
    schedule.request()
    schedule.begin(11)
    schedule.request(urgent=True)
    schedule.end(11.001, 1, failed=False)
    assert schedule.delay(11.001) == 0


def test_a_flush_that_failed_is_retried_later() -> None:
    schedule = flushed(failed=True)
    schedule.request()
    assert schedule.delay(10) == pytest.approx(RETRY_SECS)

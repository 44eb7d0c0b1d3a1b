"""The retries of an attempt: after which errors, when, and how often."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.generation.retries import MAX_WAITS, RETRY_AFTER_SECS, RETRY_SECS, RetryPolicy
from workers.providers.base import Pause, ProviderError

BEGUN, UNTIL = 1000.0, 1600.0
BLIP = ProviderError("upstream_error")


def busy(retry_after: float) -> ProviderError:
    return ProviderError("rate_limit_exceeded", permanent=True, retry_after=retry_after)


def test_a_failed_request_is_retried_soon_and_then_given_up() -> None:
    policy = RetryPolicy(UNTIL)
    pauses = [policy.after(BLIP, BEGUN) for _ in range(4)]
    assert pauses == [*map(Pause, RETRY_SECS), None, None]


def test_a_permanent_error_is_not_retried() -> None:
    assert RetryPolicy(UNTIL).after(ProviderError("upstream_rejected", permanent=True), BEGUN) is None


def test_retry_after_is_followed() -> None:
    assert RetryPolicy(UNTIL).after(busy(4), BEGUN) == Pause(4, "rate_limit_exceeded")
    failing = ProviderError("upstream_error", retry_after=1.2345)
    assert RetryPolicy(UNTIL).after(failing, BEGUN) == Pause(1.234, "upstream_error")


@pytest.mark.parametrize(("asked", "waits"), [(RETRY_AFTER_SECS, True), (RETRY_AFTER_SECS + 0.1, False)])
@pytest.mark.parametrize("permanent", [True, False])
def test_a_retry_after_that_is_too_long_is_not_waited_for(asked: float, waits: bool, permanent: bool) -> None:
    error = ProviderError("upstream_error", permanent=permanent, retry_after=asked)
    assert (RetryPolicy(UNTIL).after(error, BEGUN) is not None) == waits


def test_a_retry_after_of_zero_is_raised_to_the_shortest_pause() -> None:
    assert RetryPolicy(UNTIL).after(busy(0), BEGUN) == Pause(RETRY_SECS[0], "rate_limit_exceeded")


def test_after_too_many_waits_the_server_is_given_up() -> None:
    policy = RetryPolicy(UNTIL)
    pauses = [policy.after(busy(1), BEGUN) for _ in range(MAX_WAITS + 2)]
    assert [pause is not None for pause in pauses] == [True] * MAX_WAITS + [False] * 2


@pytest.mark.parametrize(("now", "waits"), [(UNTIL - 4.1, True), (UNTIL - 4, False), (UNTIL + 1, False)])
def test_no_wait_goes_beyond_the_deadline(now: float, waits: bool) -> None:
    assert (RetryPolicy(UNTIL).after(busy(4), now) is not None) == waits


@given(st.lists(st.sampled_from([BLIP, busy(0), busy(3), busy(50)])))
def test_the_retries_and_their_time_are_bounded(errors: list[ProviderError]) -> None:
    policy = RetryPolicy(UNTIL)
    pauses = [pause for error in errors if (pause := policy.after(error, BEGUN)) is not None]
    assert len(pauses) <= len(RETRY_SECS) + MAX_WAITS
    assert sum(pause.seconds for pause in pauses) <= sum(RETRY_SECS) + MAX_WAITS * RETRY_AFTER_SECS

import pytest

from bench.streams import Stream, percentiles_ms, steady, summary
from bench.tokens import TokenReader, token


def stream(asked_at: float, late: float, count: int = 10) -> Stream:
    """A stream of a token a second, each so late."""
    seen = Stream(asked_at, TokenReader(count), first_token_secs=late, frames=count)
    for number in range(count):
        sent_at = asked_at + number
        seen.reader.feed(token(number, sent_at), sent_at + late)
    return seen


def test_percentiles_lie_between_the_least_and_the_most() -> None:
    assert percentiles_ms([each / 1000 for each in range(101)]) == pytest.approx(
        {"p50": 50, "p95": 95, "p99": 99}
    )


def test_one_value_is_all_its_percentiles() -> None:
    assert percentiles_ms([0.02]) == {"p50": 20, "p95": 20, "p99": 20}


def test_a_summary_has_every_token_of_every_stream() -> None:
    seen = summary([stream(0, 0.25), stream(1, 0.75)])
    assert (seen["streams"], seen["tokens"], seen["frames"]) == (2, 20, 20)
    assert seen["ttft_ms"]["p50"] == 500
    assert seen["latency_ms"]["p99"] == pytest.approx(750)


def test_a_token_that_came_after_the_steady_seconds_is_late_and_not_missing() -> None:
    seen = steady([stream(0, late=3.0)], begin=2, secs=4)
    assert seen["sent_per_sec"] == 1
    assert seen["tokens_per_sec"] == 0.75  # three of those that were sent before the sixth second
    assert seen["latency_ms"]["p50"] == pytest.approx(3000)
    assert steady([stream(0, late=5.0)], begin=2, secs=4)["tokens_per_sec"] == 0.25


def test_steady_seconds_without_a_token_have_figures() -> None:
    assert steady([stream(0, 0.1)], begin=50, secs=4)["sent_per_sec"] == 0

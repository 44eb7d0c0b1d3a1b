import pytest

from bench.capacity import is_ok
from tests.bench.results import probe


def test_a_probe_on_time_passes() -> None:
    assert is_ok(probe(100))


def test_a_probe_that_was_not_answered_fails() -> None:
    assert not is_ok({"streams": 100})


@pytest.mark.parametrize("change", [{"latency_ms": {"p99": 250.0}}, {"sent_per_sec": 4800.0}])
def test_late_tokens_or_a_slow_upstream_fail_it(change: dict[str, object]) -> None:
    assert not is_ok(probe(100) | change)

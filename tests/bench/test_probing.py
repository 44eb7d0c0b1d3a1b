import pytest

from bench.load import STAGGER_SECS
from bench.probing import RATE, STEADY_SECS, work_of


@pytest.mark.parametrize("streams", [1, 80, 333])
def test_all_streams_run_for_the_steady_seconds(streams: int) -> None:
    work = work_of(streams)
    assert work.tokens / RATE >= streams * STAGGER_SECS + STEADY_SECS

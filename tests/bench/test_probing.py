import pytest

from bench.load import STAGGER_SECS
from bench.probing import RATE, STEADY_SECS, work_of, works_up_to


@pytest.mark.parametrize("streams", [1, 80, 333])
def test_all_streams_run_for_the_steady_seconds(streams: int) -> None:
    work = work_of(streams)
    assert work.tokens / RATE >= streams * STAGGER_SECS + STEADY_SECS


def test_the_scripts_of_all_probes_are_known_beforehand() -> None:
    known = {work.script for work in works_up_to(200)}
    assert {work_of(streams).script for streams in range(1, 201)} == known
    assert len(known) < 12

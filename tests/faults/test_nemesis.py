"""A minute of faults at random: all zeros. For longer: `python -m tests.faults.nemesis --minutes 10`."""

import pytest

from tests.faults.nemesis import run

MINUTES = 1
SEED = 7


@pytest.mark.e2e
def test_a_minute_of_faults_at_random_loses_and_doubles_nothing() -> None:
    findings = run(MINUTES, SEED)
    assert not findings.counts, findings.table()
    assert findings.statuses["completed"] > 0

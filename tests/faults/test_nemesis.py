"""A minute of faults at random: all zeros. For longer: `python -m tests.faults.nemesis --minutes 10`."""

from tests.faults.nemesis import run

MINUTES = 1
SEED = 96  # eleven kinds of faults in a minute, of every part
STREAMS = 6  # two in each worker; the faults count here, not the load


def test_a_minute_of_faults_at_random_loses_and_doubles_nothing() -> None:
    findings = run(MINUTES, SEED, STREAMS)
    assert not findings.counts, findings.table()
    assert findings.statuses["completed"] > 0

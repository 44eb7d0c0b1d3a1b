"""The doctor finds nothing wrong with a Tailrace that runs as `up` and the tests run it."""

import json

from chat import __version__
from tests.harness.stack import Stack


def test_a_tailrace_that_runs_has_no_error(stack: Stack) -> None:
    report = json.loads(stack.run("manage.py", "doctor", "--json"))  # fails unless the exit code is 0
    found = {finding["what"]: finding for finding in report["findings"]}
    assert {what for what, finding in found.items() if finding["state"] == "error"} == set()
    assert found["workers"]["found"] == "2 live"
    for name in ("worker1@test", "worker2@test"):
        assert found[f"worker {name}"]["found"].startswith(f"{__version__}, pid ")
        assert found[f"worker {name}"]["found"].endswith(" of 100 answers")
    for what in ("worker versions", "worker clocks", "migrations", "Redis commands", "queue responses"):
        assert found[what]["state"] == "ok"

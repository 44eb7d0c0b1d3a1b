"""Findings by the check that they belong to."""

from collections.abc import Iterable

from project.doctor.finding import Finding, State


def states(findings: Iterable[Finding]) -> dict[str, State]:
    """Return the state of each check."""
    return {finding.what: finding.state for finding in findings}


def faults(findings: Iterable[Finding]) -> dict[str, State]:
    """Return the states that are not ok. Each of them must have a remedy, and an ok one none."""
    findings = list(findings)
    for finding in findings:
        assert bool(finding.remedy) == (finding.state is not State.OK)
        assert finding.found
        assert "\n" not in finding.found + finding.remedy
    return {what: state for what, state in states(findings).items() if state is not State.OK}

"""What was found, by what was looked at."""

from collections.abc import Iterable

from project.doctor.finding import Finding, State


def states(findings: Iterable[Finding]) -> dict[str, State]:
    """The state of each thing that was looked at."""
    return {finding.what: finding.state for finding in findings}


def faults(findings: Iterable[Finding]) -> dict[str, State]:
    """Those that are not well. Each of them has a remedy, and nothing else has one."""
    findings = list(findings)
    for finding in findings:
        assert bool(finding.remedy) == (finding.state is not State.OK)
        assert finding.found
        assert "\n" not in finding.found + finding.remedy
    return {what: state for what, state in states(findings).items() if state is not State.OK}

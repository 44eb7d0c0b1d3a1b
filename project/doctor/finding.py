"""A finding of the doctor: one line of its report."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The result of one check."""

    OK = "ok"
    WARNING = "warning"  # it works now, but may fail later
    ERROR = "error"  # answers are lost, refused or wait


@dataclass(frozen=True, slots=True)
class Finding:
    """What was checked, what was found and, unless it is ok, how to fix it."""

    state: State
    what: str
    found: str
    remedy: str = ""


class UnavailableError(Exception):
    """A part does not answer; its one finding stands for all checks that need it."""

    def __init__(self, what: str, found: str, remedy: str) -> None:
        super().__init__(found)
        self.finding = error(what, found, remedy)


def ok(what: str, found: str) -> Finding:
    """Return a finding without a problem."""
    return Finding(State.OK, what, found)


def warning(what: str, found: str, remedy: str) -> Finding:
    """Return a finding that works now, but may fail later."""
    return Finding(State.WARNING, what, found, remedy)


def error(what: str, found: str, remedy: str) -> Finding:
    """Return a finding that loses, refuses or delays answers."""
    return Finding(State.ERROR, what, found, remedy)


def counts(findings: Iterable[Finding]) -> dict[State, int]:
    """Return how many findings there are of each state."""
    counted = Counter(finding.state for finding in findings)
    return {state: counted[state] for state in State}

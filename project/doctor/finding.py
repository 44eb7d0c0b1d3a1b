"""What the doctor found: one line of its report."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it stands with the thing that was looked at."""

    OK = "ok"
    WARNING = "warning"  # it works, and may harm one day
    ERROR = "error"  # answers are lost, refused or wait


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at and what was found; if it is not well, what to do about it."""

    state: State
    what: str
    found: str
    remedy: str = ""


class AwayError(Exception):
    """A part does not answer: its finding, in place of all that could not be looked at."""

    def __init__(self, what: str, found: str, remedy: str) -> None:
        super().__init__(found)
        self.finding = error(what, found, remedy)


def ok(what: str, found: str) -> Finding:
    """It is well."""
    return Finding(State.OK, what, found)


def warning(what: str, found: str, remedy: str) -> Finding:
    """It works, and may harm one day."""
    return Finding(State.WARNING, what, found, remedy)


def error(what: str, found: str, remedy: str) -> Finding:
    """It harms."""
    return Finding(State.ERROR, what, found, remedy)


def counts(findings: Iterable[Finding]) -> dict[State, int]:
    """How many findings there are of each state."""
    counted = Counter(finding.state for finding in findings)
    return {state: counted[state] for state in State}

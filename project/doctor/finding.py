"""One line of the report."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Result of a check."""

    OK = "ok"
    WARNING = "warning"  # may fail later
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """A check, its result and, unless ok, the remedy."""

    state: State
    what: str
    found: str
    remedy: str = ""


class UnavailableError(Exception):
    """A part is unavailable."""

    def __init__(self, what: str, found: str, remedy: str) -> None:
        super().__init__(found)
        self.finding = error(what, found, remedy)


def ok(what: str, found: str) -> Finding:
    """No problem."""
    return Finding(State.OK, what, found)


def warning(what: str, found: str, remedy: str) -> Finding:
    """It works, but may fail later."""
    return Finding(State.WARNING, what, found, remedy)


def error(what: str, found: str, remedy: str) -> Finding:
    """Answers are lost, refused or delayed."""
    return Finding(State.ERROR, what, found, remedy)


def counts(findings: Iterable[Finding]) -> dict[State, int]:
    """Count findings by state."""
    counted = Counter(finding.state for finding in findings)
    return {state: counted[state] for state in State}

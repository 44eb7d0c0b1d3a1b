"""The examination: each part is checked, also when another one fails."""

import threading

import pytest

from project.doctor import examination
from project.doctor.examination import Examine, Part, findings
from project.doctor.finding import Finding, State, UnavailableError, ok
from tests.harness.waiting import deadline
from tests.project.doctor.looks import faults, states

OK, WARNING, ERROR = State


def well() -> list[Finding]:
    return [ok("it", "is well")]


def unavailable() -> list[Finding]:
    raise UnavailableError("Redis", "is unavailable", "Start it.")


def broken() -> list[Finding]:
    message = "with a secret"
    raise LookupError(message)


def test_the_parts_are_checked_in_order_and_their_findings_are_kept() -> None:
    first, second = Part("a", lambda: [ok("1", "x"), ok("2", "x")]), Part("b", lambda: [ok("3", "x")])
    assert [finding.what for finding in findings([first, second])] == ["1", "2", "3"]


def test_an_unavailable_part_is_one_error_and_its_dependants_are_not_checked() -> None:
    parts = [Part("Redis", unavailable), Part("workers", broken, needs=("Redis",)), Part("site", well)]
    found = findings(parts)
    assert faults(found) == {"Redis": ERROR, "workers": WARNING}
    assert states(found)["it"] is OK
    assert found[1].found == "not checked without Redis"


def test_a_part_that_fails_is_an_error_without_its_message_and_the_others_are_checked() -> None:
    found = findings([Part("one", broken), Part("two", well)])
    assert faults(found) == {"one": ERROR}
    assert found[0].found == "could not be checked (LookupError)"
    assert states(found)["it"] is OK


def test_an_unresponsive_part_is_an_error_within_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "PART_SECS", 0.1)
    bounded, end = examination._bounded, threading.Event()

    def unresponsive() -> list[Finding]:
        end.wait()
        return well()

    def bounded_if_unresponsive(examine: Examine, secs: float) -> list[Finding]:
        return bounded(examine, secs if examine is unresponsive else deadline())

    monkeypatch.setattr(examination, "_bounded", bounded_if_unresponsive)
    found = findings([Part("one", unresponsive), Part("two", well)])  # without its limit it waits for ever
    end.set()
    assert faults(found) == {"one": ERROR}
    assert found[0].found == "no reply within 0.1 s"
    assert states(found)["it"] is OK


def test_each_part_comes_after_those_that_it_needs() -> None:
    parts = examination.parts()
    names = [part.name for part in parts]
    for number, part in enumerate(parts):
        assert set(part.needs) <= set(names[:number])

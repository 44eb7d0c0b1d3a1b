"""The examination: each part is looked at, whatever becomes of the others."""

import threading
import time

import pytest

from project.doctor import examination
from project.doctor.examination import Part, findings
from project.doctor.finding import AwayError, Finding, State, ok
from tests.project.doctor.looks import faults, states

OK, WARNING, ERROR = State


def well() -> list[Finding]:
    return [ok("it", "is well")]


def away() -> list[Finding]:
    raise AwayError("Redis", "does not answer", "Start it.")


def broken() -> list[Finding]:
    message = "with a secret"
    raise LookupError(message)


def test_the_parts_are_looked_at_in_order_and_their_findings_are_kept() -> None:
    first, second = Part("a", lambda: [ok("1", "x"), ok("2", "x")]), Part("b", lambda: [ok("3", "x")])
    assert [finding.what for finding in findings([first, second])] == ["1", "2", "3"]


def test_a_part_that_is_away_is_one_error_and_what_needs_it_is_not_asked() -> None:
    parts = [Part("Redis", away), Part("workers", broken, needs=("Redis",)), Part("site", well)]
    found = findings(parts)
    assert faults(found) == {"Redis": ERROR, "workers": WARNING}
    assert states(found)["it"] is OK
    assert found[1].found == "not looked at without Redis"


def test_a_part_that_breaks_is_an_error_without_its_words_and_the_others_are_looked_at() -> None:
    found = findings([Part("one", broken), Part("two", well)])
    assert faults(found) == {"one": ERROR}
    assert found[0].found == "could not be looked at (LookupError)"
    assert states(found)["it"] is OK


def test_a_part_that_is_mute_is_an_error_within_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "PART_SECS", 0.1)
    end = threading.Event()

    def mute() -> list[Finding]:
        end.wait()
        return well()

    begun = time.monotonic()
    found = findings([Part("one", mute), Part("two", well)])
    end.set()
    assert time.monotonic() - begun < 5
    assert faults(found) == {"one": ERROR}
    assert found[0].found == "no answer within 0.1 s"
    assert states(found)["it"] is OK


def test_what_a_part_needs_comes_before_it() -> None:
    parts = examination.parts()
    names = [part.name for part in parts]
    for number, part in enumerate(parts):
        assert set(part.needs) <= set(names[:number])

import pytest

from bench.report import report
from bench.sections import SECTIONS, Section
from tests.bench.results import results


def test_a_design_has_its_ratio_to_direct() -> None:
    (line,) = [line for line in report(results()).splitlines() if line.startswith("tailrace  ")][:1]
    assert line.split()[1:8] == ["100", "(99-101)", "50", "25", "25", "0.40", "20.0"]


def test_the_distance_to_the_floor_is_named() -> None:
    assert "tailrace / relay, which is the floor: 1.67" in report(results())


def test_a_dear_design_says_how_little_it_did() -> None:
    seen = results()
    seen["designs"]["textbook"] |= {"rounds": 1, "tokens": 3000}
    (line,) = [line for line in report(seen).splitlines() if line.startswith("textbook")]
    assert line.endswith("1 of 60")


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_every_section_is_shown_when_it_ran(section: Section) -> None:
    alone = {name: figures for name, figures in results().items() if name in (section.key, "work")}
    assert len(report(alone)) > len(report({}))


def test_what_did_not_run_leaves_no_ratio() -> None:
    seen = results()
    del seen["designs"]["direct"], seen["designs"]["relay"], seen["capacity"]["direct"]
    del seen["first_token"]["direct"]
    assert "floor" not in report(seen)

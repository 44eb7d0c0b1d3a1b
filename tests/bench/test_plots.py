from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.plots import draw
from tests.bench.results import results

SVG = "{http://www.w3.org/2000/svg}"
NAMES = ("cpu", "streams", "capacity")


def words(file: Path) -> list[str]:
    """The text of an SVG."""
    root = ElementTree.fromstring(file.read_text())  # noqa: S314 - we drew it
    return [text.strip() for each in root.iter(f"{SVG}text") for text in each.itertext() if text.strip()]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("plots")
    assert len([*draw(results(), directory)]) == 6
    return directory


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_a_plot_is_a_small_svg_whose_text_is_text(name: str, theme: str, drawn: Path) -> None:
    file = drawn / f"{name}-{theme}.svg"
    assert file.stat().st_size < 40_000
    assert {"tailrace", "direct"} <= {word for each in words(file) for word in each.split()}


def test_a_bar_says_its_figure_and_one_that_is_cut_says_so(drawn: Path) -> None:
    assert {"100", "250", "4000 →"} <= {*words(drawn / "cpu-light.svg")}


def test_the_same_figures_are_the_same_bytes(drawn: Path, tmp_path: Path) -> None:
    for file in draw(results(), tmp_path):
        assert file.read_bytes() == (drawn / file.name).read_bytes()


def test_light_and_dark_differ_in_colour_alone(drawn: Path) -> None:
    light, dark = drawn / "cpu-light.svg", drawn / "cpu-dark.svg"
    assert words(light) == words(dark)
    assert light.read_bytes() != dark.read_bytes()


def test_only_what_was_measured_is_drawn(tmp_path: Path) -> None:
    assert [*draw({"machine": {}, "idle": {}}, tmp_path)] == []

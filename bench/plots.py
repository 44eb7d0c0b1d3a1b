"""The plots of the results: reproducible SVG, light and dark."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from bench.loader import Figures
from bench.runs import GROUPS

WIDTH, HEIGHT = 7.2, 3.2  # inches
LABEL_ROOM = 0.12  # beyond the longest bar, as its part


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of the page, the text and lines, the process groups, the designs."""

    name: str
    ground: str
    ink: str
    faint: str
    groups: Mapping[str, str]
    designs: Mapping[str, str]


_NAMES = ("tailrace", "direct", "relay", "textbook")
THEMES = (
    Theme(
        "light",
        "#ffffff",
        "#1f2328",
        "#d0d7de",
        dict(zip(GROUPS, ("#0969da", "#bc4c00", "#8250df"), strict=True)),
        dict(zip(_NAMES, ("#0969da", "#bc4c00", "#59636e", "#8250df"), strict=True)),
    ),
    Theme(
        "dark",
        "#0d1117",
        "#e6edf3",
        "#3d444d",
        dict(zip(GROUPS, ("#58a6ff", "#f0883e", "#bc8cff"), strict=True)),
        dict(zip(_NAMES, ("#58a6ff", "#f0883e", "#9198a1", "#bc8cff"), strict=True)),
    ),
)
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "tailrace",  # the same ids in every run
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(results: Figures, directory: Path) -> Iterator[Path]:
    """Draw all results with figures; yields each file once written."""
    directory.mkdir(parents=True, exist_ok=True)
    for key, (name, paint, columns) in PLOTS.items():
        if key in results:
            for theme in THEMES:
                yield _drawn(directory / f"{name}-{theme.name}.svg", theme, paint, columns, results[key])


def _drawn(file: Path, theme: Theme, paint: "Paint", columns: int, figures: Figures) -> Path:
    ink = ("text.color", "axes.labelcolor", "xtick.color", "ytick.color")
    faint = ("axes.edgecolor", "grid.color")
    with mpl.rc_context():
        cast(dict[str, Any], mpl.rcParams).update(
            STYLE | dict.fromkeys(ink, theme.ink) | dict.fromkeys(faint, theme.faint)
        )
        figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
        paint([figure.add_subplot(1, columns, at + 1) for at in range(columns)], theme, figures)
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return file


Paint = Callable[[list[Axes], Theme, Figures], None]


def _cpu(axes: list[Axes], theme: Theme, designs: Figures) -> None:
    """A bar per design, stacked by process group; a far longer one is cut and labelled."""
    (plane,) = axes
    totals = {name: figures["cpu_us_per_token"]["total"] for name, figures in designs.items()}
    end = 1.5 * max((total for name, total in totals.items() if name != "textbook"), default=1)
    names = [*designs]
    left = [0.0] * len(names)
    for group in GROUPS:
        widths = [designs[name]["cpu_us_per_token"][group] for name in names]
        plane.barh(names, widths, left=left, color=theme.groups[group], label=group)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for name, total in totals.items():
        is_cut = total > end
        plane.annotate(
            f"{total:.0f}{' →' if is_cut else ''}",
            (min(total, end), name),
            xytext=(-4 if is_cut else 4, 0),
            textcoords="offset points",
            ha="right" if is_cut else "left",
            va="center",
            color=theme.ground if is_cut else theme.ink,
        )
    plane.set_xlim(0, end)
    plane.invert_yaxis()
    plane.set_xlabel("CPU per token, µs")
    plane.legend(frameon=False, loc="lower right")


def _streams(axes: list[Axes], theme: Theme, sweeps: Figures) -> None:
    """Added latency and CPU per token over streams, a line per design."""
    points = sweeps["streams"]
    what: dict[str, Callable[[Figures], float]] = {
        "added latency, p99, ms": lambda figures: figures["latency_ms"]["p99"],
        "CPU per token, µs": lambda figures: figures["cpu_us_per_token"]["total"],
    }
    for plane, (label, value) in zip(axes, what.items(), strict=True):
        for name, colour in theme.designs.items():
            seen = [
                (point["streams"], value(point["designs"][name]))
                for point in points
                if name in point["designs"]
            ]
            if seen:
                plane.plot(*zip(*seen, strict=True), marker="o", markersize=4, color=colour, label=name)
        plane.set_xlabel("streams at once")
        plane.set_ylabel(label)
        plane.set_yscale("log")
        plane.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        plane.yaxis.set_minor_locator(NullLocator())
        plane.yaxis.set_major_formatter("{x:g}")
        plane.grid(axis="y")
    axes[0].legend(frameon=False)


def _capacity(axes: list[Axes], theme: Theme, capacity: Figures) -> None:
    """A bar per design: the most streams with tokens on time."""
    (plane,) = axes
    names = [*capacity]
    counts = [capacity[name]["streams"] for name in names]
    labels = [f"{name}\n{capacity[name]['configuration']}" for name in names]
    bars = plane.barh(labels, counts, color=[theme.designs[name] for name in names])
    plane.bar_label(bars, padding=4, color=theme.ink)
    plane.set_xlim(0, max(counts) * (1 + LABEL_ROOM))
    plane.invert_yaxis()
    plane.set_xlabel("streams at 50 tokens/s with p99 added latency under 250 ms")


PLOTS: dict[str, tuple[str, Paint, int]] = {  # by section: file name, painter, planes
    "designs": ("cpu", _cpu, 1),
    "sweeps": ("streams", _streams, 2),
    "capacity": ("capacity", _capacity, 1),
}

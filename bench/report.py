"""The table on the terminal: one line per design, with ratios to `direct`. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.runs import GROUPS, Figures

BASELINE = "direct"
FLOOR = "relay"
COLUMNS = (
    "design",
    "CPU µs/token",
    *GROUPS,
    "of direct",
    "first token ms",
    "added ms p50",
    "p95",
    "p99",
    "tok/frame",
    "tok/s",
)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lines with aligned columns; the first to the left, the others to the right."""
    widths = [max(len(row[at]) for row in (header, *rows)) for at in range(len(header))]
    lines = []
    for row in (header, *rows):
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def comparison(designs: Mapping[str, Figures]) -> str:
    """All designs side by side."""
    return table(COLUMNS, [_row(name, figures, designs) for name, figures in designs.items()])


def _row(name: str, figures: Figures, designs: Mapping[str, Figures]) -> list[str]:
    cpu, late = figures["cpu_us_per_token"], figures["latency_ms"]
    return [
        name,
        f"{cpu['total']:.0f} ({_range(figures['spread']['cpu_us_per_token']['total'])})",
        *(f"{cpu[group]:.0f}" for group in GROUPS),
        ratio(designs, name, BASELINE),
        f"{figures['ttft_ms']['p50']:.1f}",
        *(f"{late[percent]:.1f}" for percent in ("p50", "p95", "p99")),
        f"{figures['tokens_per_frame']:.2f}",
        f"{figures['tokens_per_sec']:.0f}",
    ]


def ratio(designs: Mapping[str, Figures], name: str, other: str) -> str:
    """How much CPU one takes per token, as a multiple of another's; empty when that did not run."""
    if other not in designs:
        return ""
    return f"{total(designs[name]) / total(designs[other]):.2f}"


def total(figures: Figures) -> float:
    """CPU per token of all groups, in microseconds."""
    value: float = figures["cpu_us_per_token"]["total"]
    return value


def yardstick(designs: Mapping[str, Figures]) -> str:
    """What the upstream and the load took beside each design: if that drifts, the machine did."""
    said = (
        f"{name} {{upstream:.0f}} + {{load:.0f}}".format(**figures["yardstick_us_per_token"])
        for name, figures in designs.items()
    )
    return f"yardstick, µs per token of upstream + load: {', '.join(said)}"


def _range(ends: Sequence[Any]) -> str:
    return f"{ends[0]:.0f}-{ends[1]:.0f}"

"""The terminal report: a table per section, and the promises. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bench.loader import Figures
from bench.promises import judged
from bench.runs import GROUPS
from bench.table import table

BASELINE, FLOOR, OURS = "direct", "relay", "tailrace"
NOT_THERE = "-"
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
    "rounds of tokens",
)
PROCESSES = ("web", "worker", "broker", "upstream", "load")


def report(results: Figures) -> str:
    """Return all measurements and the promises."""
    parts = [text for key, show in SHOWN.items() if key in results for text in show(results)]
    verdicts = [verdict.cells() for verdict in judged(results)]
    return "\n\n".join([*parts, table(("promised", "seen", "bound", ""), verdicts)])


def _comparison(results: Figures) -> Iterator[str]:
    designs = results["designs"]
    yield f"{results['work']}; medians over the rounds, in brackets the lowest and the highest"
    yield table(COLUMNS, [_row(name, figures, designs) for name, figures in designs.items()])
    yield yardstick(designs)
    if {OURS, FLOOR} <= {*designs}:
        yield f"{OURS} / {FLOOR}, which is the floor: {ratio(designs, OURS, FLOOR)}"


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
        f"{figures['rounds']} of {figures['tokens'] / figures['streams']:.0f}",
    ]


def ratio(designs: Mapping[str, Figures], name: str, other: str) -> str:
    """Return CPU per token as a multiple of another design's; empty without that."""
    if other not in designs:
        return ""
    return f"{total(designs[name]) / total(designs[other]):.2f}"


def total(figures: Figures) -> float:
    """Return the microseconds of CPU per token, all groups."""
    value: float = figures["cpu_us_per_token"]["total"]
    return value


def yardstick(designs: Mapping[str, Figures]) -> str:
    """Return the CPU of upstream and load per design: it drifts only with the machine."""
    columns = (
        f"{name} {{upstream:.0f}} + {{load:.0f}}".format(**figures["yardstick_us_per_token"])
        for name, figures in designs.items()
    )
    return f"yardstick, µs per token of upstream + load: {', '.join(columns)}"


def _range(ends: Sequence[float]) -> str:
    return f"{ends[0]:.0f}-{ends[1]:.0f}"


def _first_token(results: Figures) -> Iterator[str]:
    designs = results["first_token"]
    base = designs[BASELINE]["ttft_ms"]["p50"] if BASELINE in designs else None
    rows = [
        [
            name,
            *(f"{figures['ttft_ms'][percent]:.1f}" for percent in ("p50", "p99")),
            f"{figures['ttft_ms']['p50'] / base:.2f}" if base else "",
            f"{figures['latency_ms']['p50']:.1f}",
        ]
        for name, figures in designs.items()
    ]
    header = ("one stream, warm", "first token ms p50", "p99", "of direct", "added ms p50")
    yield table(header, rows)


def _api(results: Figures) -> Iterator[str]:
    rows = [
        [
            name,
            f"{total(figures):.0f} ({_range(figures['spread']['cpu_us_per_token']['total'])})",
            *(f"{figures['cpu_us_per_token'][group]:.0f}" for group in GROUPS),
            f"{figures['latency_ms']['p50']:.1f}",
            *(f"{figures['ttft_ms'][percent]:.1f}" for percent in ("p50", "p99")),
        ]
        for name, figures in results["api"].items()
    ]
    header = ("reader", "CPU µs/token", *GROUPS, "added ms p50", "first token ms p50", "p99")
    yield table(header, rows)


def _sweeps(results: Figures) -> Iterator[str]:
    for by, points in results["sweeps"].items():
        names = [*dict.fromkeys(name for point in points for name in point["designs"])]
        header = [
            f"by {by}",
            *(f"{name} {what}" for what in ("µs", "p99 ms") for name in names),
        ]
        yield table(header, [[f"{point[by]:g}", *_point(point["designs"], names)] for point in points])


def _point(designs: Mapping[str, Figures], names: Sequence[str]) -> Iterator[str]:
    yield from (f"{total(designs[name]):.0f}" if name in designs else NOT_THERE for name in names)
    yield from (
        f"{designs[name]['latency_ms']['p99']:.0f}" if name in designs else NOT_THERE for name in names
    )


def _capacity(results: Figures) -> Iterator[str]:
    designs = results["capacity"]
    base = designs.get(BASELINE, {}).get("streams")
    rows = [
        [
            f"{name}, {tried['configuration']}",
            str(tried["streams"]),
            f"{tried['streams'] / base:.2f}" if base else "",
            *_probe(tried["at_most"]),
        ]
        for name, figures in designs.items()
        for tried in figures["configurations"]
    ]
    yield table(("most streams on time", "streams", "of direct", "p99 ms", *_percents()), rows)


def _probe(probe: Figures | None) -> list[str]:
    if probe is None:
        return [""] * (1 + len(PROCESSES))
    return [f"{probe['latency_ms']['p99']:.0f}", *_busy(probe["cpu_percent"])]


def _busy(percent: Mapping[str, float]) -> list[str]:
    return [f"{percent[group]:.0f}" if group in percent else NOT_THERE for group in PROCESSES]


def _percents() -> list[str]:
    return [f"{group} %" for group in PROCESSES]


def _scaling(results: Figures) -> Iterator[str]:
    scaling = results["scaling"]
    rows = [
        [
            f"{point['web']} web, {point['workers']} workers",
            f"{point['tokens_per_sec']:.0f}",
            f"{point['latency_ms']['p99']:.0f}",
            *_busy(point["cpu_percent"]),
        ]
        for point in scaling["points"]
    ]
    yield table((f"{scaling['streams']} streams, tailrace", "tok/s", "p99 ms", *_percents()), rows)


def _costs(key: str) -> Callable[[Figures], Iterator[str]]:
    def show(results: Figures) -> Iterator[str]:
        yield COSTS[key].format(**results[key])

    return show


def _databases(results: Figures) -> Iterator[str]:
    groups = (*GROUPS, "database")
    rows = [
        [
            name,
            *(f"{figures['ttft_ms'][percent]:.1f}" for percent in ("p50", "p99")),
            *(f"{figures['cpu_us_per_token'].get(group, 0):.0f}" for group in ("total", *groups)),
            f"{figures['cpu_ms_per_answer']:.1f}",
        ]
        for name, figures in results["databases"].items()
    ]
    header = ("one stream, warm; then many", "first token ms p50", "p99", "CPU µs/token", *groups)
    yield table((*header, "CPU ms per short answer"), rows)


def _tidying(results: Figures) -> Iterator[str]:
    rows = [
        [name, when, *(f"{seen[what]['p99']:.1f}" for what in ("latency_ms", "ttft_ms"))]
        for name, figures in results["tidying"]["designs"].items()
        for when, seen in figures.items()
    ]
    rows_streams = "{streams} streams beside the deletion of {rows:,} rows".format(**results["tidying"])
    yield table((rows_streams, "", "added ms p99", "first token ms p99"), rows)


COSTS: dict[str, Any] = {
    "idle": "{sockets} idle sockets: {kb_per_socket:.1f} KB each in the web process, "
    "CPU {cpu_percent[web]:.2f} % of a core (worker {cpu_percent[worker]:.2f} %)",
    "memory": "{streams} running streams: {kb_per_stream:.0f} KB each in one worker "
    "({rss_mb[before]:.0f} MB before, {rss_mb[highest]:.0f} MB at its highest)",
    "start_up": "a worker is ready {median_secs:.1f} s after its start",
    "operations": "Redis operations, {work}: {per_stream:.0f} per stream, {per_token:.2f} per token; "
    "{idle_per_sec:.1f} per second without any",
}
SHOWN: dict[str, Callable[[Figures], Iterator[str]]] = {
    "designs": _comparison,
    "first_token": _first_token,
    "api": _api,
    "sweeps": _sweeps,
    "capacity": _capacity,
    "scaling": _scaling,
    "databases": _databases,
    "tidying": _tidying,
    **{key: _costs(key) for key in COSTS},
}

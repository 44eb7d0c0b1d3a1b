"""Tailrace's performance promises, and whether a run kept them. Pure.

A promise is measured only if its section ran.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bench.loader import Figures


@dataclass(frozen=True, slots=True)
class Promise:
    """A figure and its bound."""

    words: str
    figure: Callable[[Figures], float]
    bound: float
    is_floor: bool = False  # a least bound, not a most
    form: str = "{:.2f}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A promise and its figure; None if not measured."""

    promise: Promise
    seen: float | None

    @property
    def is_kept(self) -> bool | None:
        """Whether it was kept; None if not measured."""
        if self.seen is None:
            return None
        return (self.seen >= self.promise.bound) if self.promise.is_floor else self.seen <= self.promise.bound

    def cells(self) -> list[str]:
        """Return a table row: words, figure, bound, verdict."""
        form = self.promise.form.format
        sign = "≥" if self.promise.is_floor else "≤"
        verdict = {None: "not measured", True: "ok", False: "NOT KEPT"}[self.is_kept]
        seen = "" if self.seen is None else form(self.seen)
        return [self.promise.words, seen, f"{sign} {form(self.promise.bound)}", verdict]


def _cpu(results: Figures, name: str) -> float:
    value: float = results["designs"][name]["cpu_us_per_token"]["total"]
    return value


def _first_token(results: Figures, name: str) -> float:
    value: float = results["first_token"][name]["ttft_ms"]["p50"]
    return value


def _api(results: Figures, reader: str, *path: str) -> float:
    return _value("api", reader, *path)(results)


def _value(*path: str) -> Callable[[Figures], float]:
    def figure(results: Figures) -> float:
        value: Any = results
        for key in path:
            value = value[key]
        return float(value)

    return figure


PROMISES = (
    Promise("CPU per token, of direct", lambda seen: _cpu(seen, "tailrace") / _cpu(seen, "direct"), 0.50),
    Promise(
        "CPU per token, of textbook",
        lambda seen: _cpu(seen, "tailrace") / _cpu(seen, "textbook"),
        1 / 20,
        form="{:.3f}",
    ),
    Promise(
        "first token of one stream, p50, of direct",
        lambda seen: _first_token(seen, "tailrace") / _first_token(seen, "direct"),
        2,
    ),
    Promise("added latency, p99, ms", _value("designs", "tailrace", "latency_ms", "p99"), 100, form="{:.0f}"),
    Promise(
        "added latency of one stream, p50, ms",
        _value("first_token", "tailrace", "latency_ms", "p50"),
        15,
        form="{:.1f}",
    ),
    Promise(
        "most streams, of direct",
        lambda seen: seen["capacity"]["tailrace"]["streams"] / seen["capacity"]["direct"]["streams"],
        1.6,
        is_floor=True,
    ),
    Promise(
        "CPU per token of the API's events, of its socket",
        lambda seen: (
            _api(seen, "events", "cpu_us_per_token", "total")
            / _api(seen, "socket", "cpu_us_per_token", "total")
        ),
        1.15,
    ),
    Promise(
        "first token of the API's events, p50, later than its socket's, ms",
        lambda seen: _api(seen, "events", "ttft_ms", "p50") - _api(seen, "socket", "ttft_ms", "p50"),
        1.5,
    ),
    Promise("an idle socket, KB in the web process", _value("idle", "kb_per_socket"), 45, form="{:.1f}"),
    Promise("all idle sockets, CPU of the web process in %", _value("idle", "cpu_percent", "web"), 1),
    Promise("a running stream, KB in the worker", _value("memory", "kb_per_stream"), 120, form="{:.0f}"),
)


def judged(results: Figures) -> Iterator[Verdict]:
    """Compare each promise with the results."""
    for promise in PROMISES:
        try:
            seen = promise.figure(results)
        except (KeyError, ZeroDivisionError):
            seen = None
        yield Verdict(promise, seen)

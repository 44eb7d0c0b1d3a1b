import pytest

from bench.promises import PROMISES, judged
from tests.bench.results import results


def test_every_promise_reads_a_figure_and_can_be_kept() -> None:
    assert [verdict.promise.words for verdict in judged(results()) if verdict.is_kept is not True] == []


def test_a_promise_without_its_section_is_not_measured() -> None:
    verdicts = [*judged({})]
    assert {verdict.is_kept for verdict in verdicts} == {None}
    assert verdicts[0].cells()[1:] == ["", "≤ 0.50", "not measured"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("designs", "tailrace", "cpu_us_per_token", "total"), 201.0),
        (("designs", "tailrace", "latency_ms", "p99"), 101.0),
        (("first_token", "tailrace", "ttft_ms", "p50"), 9.0),
        (("first_token", "tailrace", "latency_ms", "p50"), 16.0),
        (("capacity", "tailrace", "streams"), 159),
        (("api", "events", "cpu_us_per_token", "total"), 116.0),
        (("api", "events", "ttft_ms", "p50"), 21.6),
        (("idle", "kb_per_socket"), 46.0),
        (("idle", "cpu_percent", "web"), 1.1),
        (("memory", "kb_per_stream"), 121.0),
    ],
)
def test_a_figure_beyond_its_bound_breaks_a_promise(path: tuple[str, ...], value: float) -> None:
    seen = inner = results()
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    broken = [verdict for verdict in judged(seen) if verdict.is_kept is False]
    assert broken
    assert broken[0].cells()[-1] == "NOT KEPT"


def test_a_bound_itself_is_kept() -> None:
    seen = results()
    seen["idle"]["kb_per_socket"] = PROMISES[6].bound
    assert [*judged(seen)][6].is_kept

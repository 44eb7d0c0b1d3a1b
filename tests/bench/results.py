"""Invented results with every section, for tests of the report, the plots and the promises."""

from typing import Any


def design(total: float, p99: float = 50) -> dict[str, Any]:
    """Figures of one design; half of its CPU is in the web process."""
    return {
        "rounds": 3,
        "cpu_us_per_token": {"web": total / 2, "worker": total / 4, "broker": total / 4, "total": total},
        "yardstick_us_per_token": {"upstream": 12.0, "load": 20.0},
        "ttft_ms": {"p50": 20.0, "p95": 30.0, "p99": 40.0},
        "latency_ms": {"p50": 10.0, "p95": 20.0, "p99": p99},
        "tokens": 25000,
        "streams": 50,
        "tokens_per_sec": 2000.0,
        "tokens_per_frame": 2.0,
        "spread": {"cpu_us_per_token": {"total": [total - 1, total + 1]}},
    }


def probe(streams: int) -> dict[str, Any]:
    """A probe that passed."""
    return {
        "streams": streams,
        "offered_per_sec": streams * 50,
        "sent_per_sec": streams * 50.0,
        "tokens_per_sec": streams * 50.0,
        "latency_ms": {"p50": 10.0, "p95": 20.0, "p99": 120.0},
        "cpu_percent": {"web": 90.0, "broker": 5.0, "upstream": 20.0, "load": 30.0},
    }


def capacity(streams: int, configuration: str) -> dict[str, Any]:
    """A capacity that was found in the only configuration."""
    found = {"streams": streams, "configuration": configuration, "at_most": probe(streams), "probes": []}
    return found | {"configurations": [found]}


def results() -> dict[str, Any]:
    """All sections; every promise is kept."""
    designs = {
        "tailrace": design(100.0),
        "direct": design(250.0),
        "textbook": design(4000.0),
        "relay": design(60.0),
    }
    first_token = {"answers": 60, "ttft_ms": {"p50": 7.0, "p99": 9.0}, "latency_ms": {"p50": 4.0}}
    direct_first_token = first_token | {"ttft_ms": {"p50": 4.0, "p99": 6.0}}
    points = [{"streams": count, "rate": 50, "tokens": 250, "designs": designs} for count in (1, 10, 50)]
    return {
        "machine": {"cores": 2, "python": "3.11.2", "platform": "Linux"},
        "work": "50 streams at 50 tokens/s, 500 tokens each",
        "designs": designs,
        "first_token": {"tailrace": first_token, "direct": direct_first_token},
        "api": {"page": design(100.0), "socket": design(100.0), "events": design(110.0)},
        "sweeps": {"streams": points, "rate": points, "tokens": points},
        "capacity": {
            "tailrace": capacity(200, "1 web + 1 worker"),
            "direct": capacity(100, "2 web"),
            "relay": capacity(400, "1 web"),
        },
        "scaling": {"streams": 320, "points": [{"web": 1, "workers": 2} | probe(320)]},
        "databases": {
            name: {"ttft_ms": {"p50": 7.0, "p99": 9.0}, "cpu_ms_per_answer": 20.0, "cpu_us_per_token": cpu}
            for name, cpu in {
                "tailrace": designs["tailrace"]["cpu_us_per_token"],
                "tailrace-postgres": designs["tailrace"]["cpu_us_per_token"] | {"database": 5.0},
            }.items()
        },
        "tidying": {
            "streams": 30,
            "rows": 100_000,
            "designs": {"tailrace": dict.fromkeys(("without", "with"), designs["tailrace"])},
        },
        "idle": {"sockets": 2000, "kb_per_socket": 30.0, "cpu_percent": {"web": 0.5, "worker": 0.7}},
        "memory": {"streams": 500, "kb_per_stream": 90.0, "rss_mb": {"before": 80.0, "highest": 125.0}},
        "start_up": {"secs": [2.0], "median_secs": 2.0},
        "operations": {"per_stream": 40.0, "per_token": 1.5, "idle_per_sec": 3.0, "work": "20 streams"},
    }

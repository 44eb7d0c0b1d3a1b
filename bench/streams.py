"""The figures of the load's streams. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench.tokens import TokenReader

PERCENTS = (50, 95, 99)


@dataclass(slots=True)
class Stream:
    """One answer, as received on the socket."""

    asked_at: float
    reader: TokenReader
    first_token_secs: float | None = None
    frames: int = 0  # with text


def percentiles_ms(seconds: Sequence[float]) -> dict[str, float]:
    """Return percentiles in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive") if len(seconds) > 1 else [*seconds] * 99
    return {f"p{percent}": cuts[percent - 1] * 1000 for percent in PERCENTS}


def summary(streams: Sequence[Stream]) -> dict[str, Any]:
    """Return the figures of all streams."""
    latencies = [each for stream in streams for each in stream.reader.latencies]
    return {
        "streams": len(streams),
        "tokens": len(latencies),
        "frames": sum(stream.frames for stream in streams),
        "latency_ms": percentiles_ms(latencies),
        "ttft_ms": percentiles_ms([stream.first_token_secs or 0 for stream in streams]),
    }


def steady(streams: Sequence[Stream], begin: float, secs: float) -> dict[str, Any]:
    """Return figures of these seconds, while all streams ran.

    Latencies are of tokens sent then: one that arrived much later is late, not missing.
    """
    end = begin + secs
    late = [each for stream in streams for each in stream.reader.between(begin, end)]
    return {
        "sent_per_sec": len(late) / secs,
        "tokens_per_sec": sum(stream.reader.arrived(begin, end) for stream in streams) / secs,
        "latency_ms": percentiles_ms(late or [0]),
    }

"""Section: one stream's time to the first token, and its latency.

A pause after each short answer keeps its leftover work out of the next.
"""

from bench.comparison import compared
from bench.ground import Ground
from bench.loader import Figures
from bench.runs import Work

DESIGNS = ("tailrace", "direct")
ROUNDS = 2
SHORT = Work(streams=1, tokens=10, rate=50)
ANSWERS = 30  # in each round
PAUSE_SECS = 0.1
LONG = Work(streams=1, tokens=250, rate=50)


async def measured(ground: Ground) -> Figures:
    """Return each design's `ttft_ms` from short answers, `latency_ms` from a long one."""
    words = ("--answers", str(ANSWERS), "--pause", str(PAUSE_SECS))
    names = ground.plan.among(DESIGNS)
    short = await compared(ground, names, SHORT, ROUNDS, *words)
    long = await compared(ground, names, LONG, ROUNDS)
    return {
        name: {
            "answers": ANSWERS * ROUNDS,
            "ttft_ms": short[name]["ttft_ms"],
            "latency_ms": long[name]["latency_ms"],
            "spread": {"ttft_ms": short[name]["spread"]["ttft_ms"]},
        }
        for name in names
    }

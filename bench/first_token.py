"""Section: the time to the first token of a single stream, and the latency of its tokens.

Answers of a few tokens, one after the other on a socket that stays open, with a short pause after each, so
that the work left over from one answer does not delay the next.
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
    """Return `ttft_ms` of each design from the short answers, `latency_ms` from a long one."""
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

"""Section: Tailrace on SQLite and on PostgreSQL.

Short answers of one stream show the database's part, many long ones the cost of a token.
"""

from bench.comparison import compared
from bench.first_token import ANSWERS, PAUSE_SECS, ROUNDS, SHORT
from bench.ground import Ground
from bench.loader import Figures
from bench.report import total

DESIGNS = ("tailrace", "tailrace-postgres")


async def measured(ground: Ground) -> Figures:
    """Return each database's `ttft_ms` and `cpu_ms_per_answer` of short answers, `cpu_us_per_token`."""
    words = ("--answers", str(ANSWERS), "--pause", str(PAUSE_SECS))
    short = await compared(ground, DESIGNS, SHORT, ROUNDS, *words)
    long = await compared(ground, DESIGNS, ground.plan.work, ground.plan.rounds)
    return {
        name: {
            "ttft_ms": short[name]["ttft_ms"],
            "cpu_ms_per_answer": total(short[name]) * SHORT.tokens / 1000,
            "cpu_us_per_token": long[name]["cpu_us_per_token"],
            "spread": {"ttft_ms": short[name]["spread"]["ttft_ms"]},
        }
        for name in DESIGNS
    }

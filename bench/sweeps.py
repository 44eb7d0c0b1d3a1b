"""Section: the figures over the number of streams, their rate, the length of answers.

Points far beyond a design's capacity are left out.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from bench.designs import DESIGNS
from bench.ground import Ground, all_entered, log
from bench.loader import Figures
from bench.runs import Running, Work, run

NAMES = ("tailrace", "direct", "relay", "textbook")
STREAMS = [Work(streams, 250, 50) for streams in (1, 10, 25, 50, 100, 200)]
RATES = [Work(10, rate * 4, rate) for rate in (20, 50, 100, 200, 500)]
LENGTHS = [Work(10, tokens, 200) for tokens in (50, 200, 500, 2000)]
KEPT = ("cpu_us_per_token", "latency_ms", "ttft_ms", "tokens_per_sec", "tokens_per_frame")


async def measured(ground: Ground) -> Figures:
    """Return the sweeps `streams`, `rate`, `tokens`: lists of points with figures by design."""
    async with AsyncExitStack() as stack:
        works = (*STREAMS, *RATES, *LENGTHS)
        designs = (
            ground.design(name, [work for work in works if can(name, work)])
            for name in ground.plan.among(NAMES)
        )
        targets = await all_entered(stack, designs)
        return {
            "streams": [await _point(targets, work) for work in STREAMS],
            "rate": [await _point(targets, work) for work in RATES],
            "tokens": [await _point(targets, work) for work in LENGTHS],
        }


def can(name: str, work: Work) -> bool:
    """Return whether a design runs this work."""
    return work.streams * work.rate <= DESIGNS[name].most_tokens_per_sec


async def _point(targets: Sequence[Running], work: Work) -> Figures:
    seen = {}
    for target in targets:
        if can(target.design.name, work):
            log(f"{target.design.name}, {work}")
            figures = await run(target, work)
            seen[target.design.name] = {name: figures[name] for name in KEPT}
    return {"streams": work.streams, "rate": work.rate, "tokens": work.tokens, "designs": seen}

"""Section: all designs on the same work, in turn, round by round. A dear one does one round."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from bench.ground import Ground, tell
from bench.loader import Figures
from bench.runs import Running, Work, median_of, run


async def measured(ground: Ground) -> Figures:
    """The figures of each design: medians over the rounds, with their spread."""
    plan = ground.plan
    return await compared(ground, plan.designs, plan.work, plan.rounds)


async def compared(ground: Ground, names: Sequence[str], work: Work, rounds: int, *words: str) -> Figures:
    """The same, of these designs on this work; `words` are more of the load's command line."""
    seen: dict[str, list[Figures]] = {name: [] for name in names}
    async with AsyncExitStack() as stack:
        targets: list[Running] = [
            await stack.enter_async_context(ground.design(name, [work])) for name in names
        ]
        for number in range(1, rounds + 1):
            for target in targets:
                if number == 1 or not target.design.is_dear:
                    tell(f"round {number} of {rounds}: {target.design.name}, {work}")
                    seen[target.design.name].append(await run(target, work, *words))
    return {name: median_of(figures) for name, figures in seen.items()}

"""Section: all designs on the same work, round by round; an expensive one does one round."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from bench.designs import ALL
from bench.ground import Ground, all_entered, log
from bench.loader import Figures
from bench.runs import Work, median_of, run


async def measured(ground: Ground) -> Figures:
    """Return each design's figures: medians over the rounds, with their spread."""
    plan = ground.plan
    dear = replace(plan.work, tokens=min(plan.work.tokens, plan.dear_tokens))
    return await compared(ground, plan.designs, plan.work, plan.rounds, dear=dear)


async def compared(
    ground: Ground, names: Sequence[str], work: Work, rounds: int, *words: str, dear: Work | None = None
) -> Figures:
    """Return these designs' figures for this work, for expensive ones `dear`.

    `words` extend the load's command line.
    """
    works = {name: (ALL[name].is_dear and dear) or work for name in names}
    seen: dict[str, list[Figures]] = {name: [] for name in names}
    async with AsyncExitStack() as stack:
        designs = (ground.design(name, [works[name]]) for name in names)
        targets = await all_entered(stack, designs)
        for number in range(1, rounds + 1):
            for target in targets:
                name = target.design.name
                if number == 1 or not target.design.is_dear:
                    log(f"round {number} of {rounds}: {name}, {works[name]}")
                    seen[name].append(await run(target, works[name], *words))
    return {name: median_of(figures) for name, figures in seen.items()}

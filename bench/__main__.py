"""Compares Tailrace with other ways to stream a model's answer to a browser. Everything runs on this machine.

Each design does the same work in turn, in rounds: so many streams at once, started 37 ms apart, at an even
rate. Figures are medians over the rounds. Every token of every stream is checked: a wrong one ends the run.
"""

import argparse
import asyncio
import json
import resource
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from bench.designs import DESIGNS, Scale
from bench.parts import PartError
from bench.report import comparison, yardstick
from bench.runs import Figures, Running, VoidRunError, Work, median_of, run, running, upstream

WARM_UP_TOKENS = 20  # in each stream, before the first round


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--streams", type=int, default=50, help="at once (default: %(default)s)")
    parser.add_argument(
        "--rate", type=float, default=50, help="tokens per second of each (default: %(default)s)"
    )
    parser.add_argument("--tokens", type=int, default=500, help="in each answer (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of all designs in turn (default: %(default)s)")
    parser.add_argument(
        "--designs",
        nargs="+",
        choices=DESIGNS,
        default=[*DESIGNS],
        metavar="NAME",
        help=f"of {', '.join(DESIGNS)}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    return parser.parse_args()


async def compare(names: Sequence[str], work: Work, rounds: int, directory: Path) -> dict[str, Figures]:
    """All designs, in turn, round by round."""
    warm_up = Work(work.streams, WARM_UP_TOKENS, work.rate)
    seen: dict[str, list[Figures]] = {name: [] for name in names}
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(upstream(directory))
        targets: list[Running] = []
        for name in names:
            tell(f"starting {name}")
            design = running(
                DESIGNS[name],
                Scale(streams=work.streams),
                directory / name,
                server,
                [work.script, warm_up.script],
            )
            targets.append(await stack.enter_async_context(design))
            await run(targets[-1], warm_up)
        for number in range(1, rounds + 1):
            for target in targets:
                tell(f"round {number} of {rounds}: {target.design.name}")
                seen[target.design.name].append(await run(target, work))
    return {name: median_of(figures) for name, figures in seen.items()}


def tell(words: str) -> None:
    """Say where we are."""
    print(f"… {words}", file=sys.stderr, flush=True)


async def main(options: argparse.Namespace) -> None:
    """Compare, and report."""
    work = Work(options.streams, options.tokens, options.rate)
    with tempfile.TemporaryDirectory(prefix="tailrace-bench-") as directory:
        designs = await compare(options.designs, work, options.rounds, Path(directory))
    print(f"\n{work}, {options.rounds} rounds\n")
    print(comparison(designs))
    print(f"\n{yardstick(designs)}")
    if options.json:
        options.json.write_text(json.dumps({"designs": designs}, indent=1))


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        asyncio.run(main(arguments()))
    except (PartError, VoidRunError) as error:
        sys.exit(f"bench: {error}")

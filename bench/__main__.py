"""Compares Tailrace with other ways to stream a model's answer to a browser, all on this machine.

The designs do the same work in turn, in rounds: many streams at once, started 37 ms apart, at an even rate.
Figures are medians over the rounds. A wrong token ends the run. Other sections measure one stream's first
token, the effect of load, the largest number of streams, more processes, idle sockets and memory; see
docs/performance.md.
"""

import argparse
import asyncio
import json
import os
import platform
import resource
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.designs import DESIGNS
from bench.ground import Plan, log, prepared
from bench.loader import Figures, VoidRunError
from bench.parts import PartError
from bench.plots import draw
from bench.report import report
from bench.runs import Work
from bench.sections import QUICK, SECTIONS, Section

TOKENS, QUICK_TOKENS = 500, 200  # per answer
DEAR_TOKENS, QUICK_DEAR_TOKENS = 200, 40  # for designs many times as expensive
ROUNDS, QUICK_ROUNDS = 3, 1
SECS_PER_MINUTE = 60


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the comparison alone, in under a minute")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, metavar="SECTION", help=", ".join(SECTIONS))
    comparison = parser.add_argument_group("the comparison")
    comparison.add_argument("--streams", type=int, default=50, help="at once (default: %(default)s)")
    comparison.add_argument(
        "--rate", type=float, default=50, help="tokens per second of each (default: %(default)s)"
    )
    comparison.add_argument(
        "--tokens", type=int, help=f"in each answer (default: {TOKENS}, quick {QUICK_TOKENS})"
    )
    comparison.add_argument(
        "--rounds", type=int, help=f"of all designs in turn (default: {ROUNDS}, quick {QUICK_ROUNDS})"
    )
    parser.add_argument(
        "--designs",
        nargs="+",
        choices=DESIGNS,
        default=[*DESIGNS],
        metavar="NAME",
        help=f"of {', '.join(DESIGNS)}",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="where the plots go; else beside the JSON")
    return parser.parse_args(words)


def machine() -> Figures:
    """Describe the machine of the run."""
    return {"cores": os.cpu_count(), "python": platform.python_version(), "platform": platform.platform()}


async def measure(plan: Plan, sections: Sequence[Section], results: Figures, file: Path | None) -> None:
    """Run the sections; write the figures to the file after each."""
    async with prepared(plan) as ground:
        for number, section in enumerate(sections):
            left = sum(each.secs for each in sections[number:]) / SECS_PER_MINUTE
            log(f"{section.name} ({number + 1} of {len(sections)}); about {left:.0f} min to go")
            begun = time.monotonic()
            results[section.key] = await section.measured(ground)
            log(f"{section.name} took {time.monotonic() - begun:.0f} s")
            keep(results, file)


def keep(results: Figures, file: Path | None) -> None:
    """Write the results."""
    if file:
        file.write_text(json.dumps(results, indent=1) + "\n")


def main(options: argparse.Namespace) -> None:
    """Measure, report, draw. Raises PartError, VoidRunError."""
    tokens = options.tokens or (QUICK_TOKENS if options.quick else TOKENS)
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    dear_tokens = QUICK_DEAR_TOKENS if options.quick else DEAR_TOKENS
    plan = Plan(Work(options.streams, tokens, options.rate), rounds, dear_tokens, options.designs)
    names = options.only or (QUICK if options.quick else SECTIONS)
    results: Figures = {"machine": machine(), "work": str(plan.work)}
    asyncio.run(measure(plan, [SECTIONS[name] for name in names], results, options.json))
    print(f"\n{report(results)}")
    place = options.plots or (options.json and options.json.parent)
    for plot in draw(results, place) if place else ():
        log(f"drew {plot}")


if __name__ == "__main__":
    for how in (signal.SIGINT, signal.SIGTERM):  # background processes of a shell ignore the first
        signal.signal(how, signal.default_int_handler)  # the parts end with it
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        main(arguments())
    except (PartError, VoidRunError) as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit("bench: stopped")

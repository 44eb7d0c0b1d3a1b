"""Section: readers of one Tailrace: the page's socket, the API's socket, the API's server-sent events.

The same answers in turn, in rounds, then short ones of one stream for the first token. Each reader is another
user; only the way to the reader differs.
"""

import sys
from dataclasses import replace
from pathlib import Path

from bench.ground import Ground, log
from bench.loader import Figures
from bench.runs import Running, Work, median_of, run

READERS = {"page": "tailrace", "socket": "api-socket", "events": "api-events"}
ROUNDS = 3
LONG = Work(streams=50, tokens=250, rate=50)
SHORT = Work(streams=1, tokens=10, rate=50)
ANSWERS = ("--answers", "20", "--pause", "0.1")


async def measured(ground: Ground) -> Figures:
    """Return each reader's figures of many streams, and `ttft_ms` of one."""
    async with ground.design("tailrace", [LONG]) as target:
        keys = ("--keys", str(await _keys(target)))
        readers = {name: _by(target, dialect) for name, dialect in READERS.items()}
        of_many: dict[str, list[Figures]] = {name: [] for name in readers}
        of_one: dict[str, list[Figures]] = {name: [] for name in readers}
        for number in range(ROUNDS):
            for name, reader in readers.items():
                log(f"round {number + 1} of {ROUNDS}: {name}")
                words = () if name == "page" else keys
                of_many[name].append(await run(reader, LONG, *words))
                of_one[name].append(await run(reader, SHORT, *ANSWERS, *words))
    return {
        name: median_of(of_many[name]) | {"ttft_ms": median_of(of_one[name])["ttft_ms"]} for name in readers
    }


def _by(target: Running, dialect: str) -> Running:
    """The same parts, read in another way."""
    return replace(target, design=replace(target.design, dialect=dialect))


async def _keys(target: Running) -> Path:
    """A file with the keys of as many programs as streams."""
    command = (sys.executable, "-m", "bench.api_keys", str(LONG.streams))
    target.parts.write("keys", await target.parts.output(*command))
    return target.parts.directory / "keys"

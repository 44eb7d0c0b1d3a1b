"""Section: streams beside `manage.py tidy`, which deletes many old rows."""

import asyncio
import sys

from bench.ground import Ground, log
from bench.loader import Figures
from bench.parts import PartError
from bench.runs import Running, Work, run

DESIGNS = ("tailrace", "tailrace-postgres")
ROWS = 100_000
WORK = Work(streams=30, tokens=50, rate=50)
ANSWERS = 20  # of each stream: about half a minute


async def measured(ground: Ground) -> Figures:
    """Return each database's latencies without and with the deletion."""
    seen: Figures = {}
    for name in DESIGNS:
        async with ground.design(name, [WORK]) as target:
            seen[name] = await _compared(target)
    return {"designs": seen, "streams": WORK.streams, "rows": ROWS}


async def _compared(target: Running) -> Figures:
    await target.parts.run(sys.executable, "-m", "bench.old_rows", str(ROWS))
    return {"without": await _run(target), "with": await _beside_tidying(target)}


async def _run(target: Running) -> Figures:
    log(f"{ANSWERS} times {WORK}")
    figures = await run(target, WORK, "--answers", str(ANSWERS))
    return {what: figures[what] for what in ("latency_ms", "ttft_ms")}


async def _beside_tidying(target: Running) -> Figures:
    part = target.parts.start("tidy", "tidy", sys.executable, "manage.py", "tidy")
    figures = await _run(target)
    log(f"tidy {'still runs' if part.is_running else 'has ended'}")
    if await asyncio.to_thread(part.popen.wait):
        raise PartError(part.tail())
    return figures

"""Section: sockets that do nothing, and what each of them costs the web process.

A hundred visitors make it warm. Then all the others come, each with a session of its own, and what the web
process has grown by is divided by their number: what making their sessions left behind is in it, too.
"""

import asyncio
import time

from bench.designs import Scale
from bench.ground import Ground, tell
from bench.loader import Figures, loading
from bench.runs import Running, Work, blamed

FIRST_SOCKETS = 100
SOCKETS = 2000
REST_SECS = 5  # for what opening them left to do
WATCHED_SECS = 20  # the system counts in hundredths of a second
PERCENT = 100
BYTES_PER_KB = 1000


async def measured(ground: Ground) -> Figures:
    """Kilobytes of the web process for each socket, and its CPU in percent of a core while all are idle."""
    async with ground.design("tailrace", [Work(1, 1, 50)], Scale()) as target:
        return await watched(target, FIRST_SOCKETS, SOCKETS, WATCHED_SECS)


async def watched(target: Running, first: int, sockets: int, secs: float) -> Figures:
    """Open the first sockets and then all others, and watch."""
    ports, dialect = target.ports, target.design.dialect
    with blamed(target):
        async with loading(dialect, ports, first):
            before = target.parts.rss_bytes()["web"]
            async with loading(dialect, ports, sockets - first, tell=tell):
                await asyncio.sleep(REST_SECS)
                begun, cpu = time.monotonic(), target.parts.cpu_secs()
                await asyncio.sleep(secs)
                watched_secs = time.monotonic() - begun
                busy = {
                    group: (after - cpu[group]) / watched_secs * PERCENT
                    for group, after in target.parts.cpu_secs().items()
                }
                after = target.parts.rss_bytes()["web"]
    return {
        "sockets": sockets,
        "kb_per_socket": (after - before) / (sockets - first) / BYTES_PER_KB,
        "rss_mb": {"before": before / 1e6, "after": after / 1e6},
        "cpu_percent": busy,
    }

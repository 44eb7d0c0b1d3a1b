"""Section: the cost of idle sockets in the web process.

After a hundred visitors as a warm-up the others connect, each with an own session. Their growth includes
memory left over from creating sessions.
"""

import asyncio
import time

from bench.designs import Scale
from bench.ground import Ground, log
from bench.loader import Figures, loading
from bench.runs import Running, Work, blamed

FIRST_SOCKETS = 100
SOCKETS = 2000
REST_SECS = 5  # for work left over from opening them
WATCHED_SECS = 20  # the system counts hundredths of a second
PERCENT = 100
BYTES_PER_KB = 1000


async def measured(ground: Ground) -> Figures:
    """Return the web process's kilobytes per socket, and its CPU in percent while idle."""
    async with ground.design("tailrace", [Work(1, 1, 50)], Scale()) as target:
        return await watched(target, FIRST_SOCKETS, SOCKETS, WATCHED_SECS)


async def watched(target: Running, first: int, sockets: int, secs: float) -> Figures:
    """Open the first sockets, then all others, and measure."""
    ports, dialect = target.ports, target.design.dialect
    with blamed(target):
        async with loading(dialect, ports, first):
            before = target.parts.rss_bytes()["web"]
            async with loading(dialect, ports, sockets - first, log=log):
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

"""Section: the commands of Redis per stream and per token.

Two runs differ only in the length of answers: the difference belongs to tokens, the rest to streams. Commands
of an idle system are subtracted; those inside scripts count.
"""

import asyncio
import time
from collections import Counter

import redis.asyncio

from bench.ground import Ground, log
from bench.loader import Figures
from bench.runs import Running, Work, run

SHORT, LONG = Work(20, 100, 50), Work(20, 500, 50)
IDLE_SECS = 5


async def measured(ground: Ground) -> Figures:
    """Return commands `per_stream`, `per_token`, `idle_per_sec`, and their kinds."""
    async with ground.design("tailrace", [SHORT, LONG]) as target:
        client = redis.asyncio.Redis.from_url(target.parts.env["REDIS_URL"])
        async with client:
            begun, idle = time.monotonic(), await calls(client)
            await asyncio.sleep(IDLE_SECS)
            idle, idle_secs = await calls(client) - idle, time.monotonic() - begun
            short, long = [await _of(target, client, work, idle, idle_secs) for work in (SHORT, LONG)]
    return judged(short, long, SHORT, LONG) | {"idle_per_sec": idle.total() / idle_secs}


async def _of(
    target: Running, client: "redis.asyncio.Redis", work: Work, idle: Counter[str], idle_secs: float
) -> dict[str, float]:
    log(f"Redis operations of {work}")
    begun, before = time.monotonic(), await calls(client)
    await run(target, work)
    seen, secs = await calls(client) - before, time.monotonic() - begun
    return {name: max(0.0, count - idle[name] * secs / idle_secs) for name, count in seen.items()}


def judged(short: dict[str, float], long: dict[str, float], less: Work, more: Work) -> Figures:
    """Divide two runs with equally many streams into costs of streams and of tokens."""
    tokens = more.streams * (more.tokens - less.tokens)
    per_token = {name: max(0.0, (long[name] - short.get(name, 0)) / tokens) for name in long}
    per_stream = {
        name: max(0.0, count / less.streams - per_token.get(name, 0) * less.tokens)
        for name, count in short.items()
    }
    return {
        "per_stream": sum(per_stream.values()),
        "per_token": sum(per_token.values()),
        "commands_per_stream": {name: count for name, count in per_stream.items() if count},
        "commands_per_token": {name: count for name, count in per_token.items() if count},
        "work": f"{more.streams} streams at {more.rate:g} tokens/s",
    }


async def calls(client: "redis.asyncio.Redis") -> Counter[str]:
    """Return the calls of each command so far, except INFO."""
    stats = await client.info("commandstats")
    seen = Counter({name.removeprefix("cmdstat_"): each["calls"] for name, each in stats.items()})
    del seen["info"]
    return seen

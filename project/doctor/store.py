"""Query Redis for `verdicts`."""

import asyncio
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from django.conf import settings

from chat.transport import redis_client
from chat.transport.event_log import LogError, key
from chat.transport.outages import UNAVAILABLE
from project.doctor import clocks, verdicts
from project.doctor.finding import Finding, UnavailableError, ok
from project.up.summary import masked

ASK_SECS = 6  # for all commands of a part; a slow Redis needs it
PINGS = 11
PINGS_SECS = 1  # then fewer are enough
Commands = dict[str, tuple[str | int, ...]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RedisStatus:
    """Replies of a Redis."""

    info: Mapping[str, Any]
    config: Mapping[str, str]  # empty if refused
    refused: Mapping[str, str]  # of the needed commands: the error type
    ping_secs: Sequence[float]
    ahead_secs: float


def examine() -> list[Finding]:
    """Raises UnavailableError."""
    try:
        figures = ask(_status())
    except ValueError:  # it may quote a password
        remedy = "Write it as redis://user:password@host:port/0."
        raise UnavailableError("Redis", "REDIS_URL cannot be read", remedy) from None
    except UNAVAILABLE as trouble:
        raise unavailable(trouble) from trouble
    available = ok("Redis", f"{masked(settings.TAILRACE_LOG_URL)} is available")
    prefix = ok("Redis prefix", settings.TAILRACE_PREFIX)
    return [
        *(available, prefix, *verdicts.tls(settings.TAILRACE_LOG_URL), *judged(figures)),
        *_others(),
    ]


def _others() -> list[Finding]:
    """Check a separate Redis of the broker and of the layer."""
    urls = {"broker": settings.TAILRACE_BROKER_URL, "layer": settings.TAILRACE_LAYER_URL}
    return [
        replace(finding, what=f"{name} {finding.what}")
        for name, url in urls.items()
        if url != settings.TAILRACE_LOG_URL
        for finding in _other(url)
    ]


def _other(url: str) -> list[Finding]:
    try:
        info = ask(_info(url))
    except UNAVAILABLE as trouble:
        return [unavailable(trouble, url).finding]
    available = ok("Redis", f"{masked(url)} is available")
    return [
        *(available, *verdicts.tls(url), verdicts.version(info)),
        *(verdicts.eviction(info), verdicts.memory(info)),
    ]


async def _info(url: str) -> Mapping[str, Any]:
    async with redis_client.connect(url) as redis:
        info: Mapping[str, Any] = await redis.info()
        return info


def ask(question: Coroutine[Any, Any, T]) -> T:
    """Run a query on a new event loop. Raises `outages.UNAVAILABLE`."""
    return asyncio.run(_within_bounds(question))


async def _within_bounds(question: Coroutine[Any, Any, T]) -> T:
    try:
        async with asyncio.timeout(ASK_SECS):
            return await question
    finally:
        await redis_client.close()


async def _status() -> RedisStatus:
    redis = redis_client.client()
    await redis.ping()  # connects; not measured
    pings = await _pings()
    before = time.time()
    secs, micros = await redis.time()
    ahead = clocks.ahead(secs + micros / 1e6, before, time.time())
    return RedisStatus(await redis.info(), await _config(), await _refused(), pings, ahead)


async def _pings() -> list[float]:
    begun, taken = time.monotonic(), list[float]()
    while len(taken) < PINGS and time.monotonic() - begun < PINGS_SECS:
        asked = time.monotonic()
        await redis_client.client().ping()
        taken.append(time.monotonic() - asked)
    return taken


async def _config() -> dict[str, str]:
    try:
        config = await redis_client.client().config_get("save", "appendfsync")
    except LogError:  # common on hosted ones
        return {}
    return {str(name): str(value) for name, value in config.items()}


def _needs() -> Commands:
    """The needed commands, on a log that does not exist: nothing is written."""
    log = key("doctor")
    return {
        "XRANGE with (": ("XRANGE", log, "(1-1", "+"),  # cursor reads
        "SET with GET": ("SET", log, "", "XX", "GET"),  # lost heartbeats
        "EVAL": ("EVAL", "return redis.call('XREVRANGE', KEYS[1], '+', '-')", 1, log),  # appends
        "PUBLISH": ("PUBLISH", log, ""),  # notifications
    }


async def _refused() -> dict[str, str]:
    pipe = redis_client.client().pipeline(transaction=False)
    needs = _needs()
    for command in needs.values():
        pipe.execute_command(*command)
    replies = zip(needs, await pipe.execute(raise_on_error=False), strict=True)
    return {name: type(reply).__name__ for name, reply in replies if isinstance(reply, Exception)}


def unavailable(trouble: Exception, url: str = "") -> UnavailableError:
    """The error of an unavailable Redis."""
    reason = type(trouble).__name__
    remedy = verdicts.REMEDIES.get(reason, "Start it, or correct host and port in REDIS_URL.")
    found = f"{masked(url or settings.TAILRACE_LOG_URL)} is unavailable ({reason})"
    return UnavailableError("Redis", found, remedy)


def judged(figures: RedisStatus) -> list[Finding]:
    """Judge an available Redis."""
    return [
        verdicts.version(figures.info),
        verdicts.commands(figures.refused),
        verdicts.eviction(figures.info),
        verdicts.persistence(figures.info, figures.config),
        verdicts.latency(figures.ping_secs),
        verdicts.memory(figures.info),
        clocks.judged("Redis clock", figures.ahead_secs),
    ]

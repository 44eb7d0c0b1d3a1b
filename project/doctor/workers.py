"""Check the workers: alive, of this version, clocks in agreement."""

from collections.abc import Iterable, Mapping, Sequence

from chat import __version__
from chat.conf import conf
from chat.transport import redis_client
from chat.transport.event_log import LogError
from chat.transport.heartbeats import Heartbeats, WorkerStatus, reaper
from project.doctor import clocks
from project.doctor.finding import Finding, error, ok, warning
from project.doctor.store import ask

START = "Start one: `celery -A project worker`, with the SECRET_KEY, database and Redis of the web server."
SAME_PREFIX = (
    f"If those are of this deployment, set the same TAILRACE_PREFIX for all processes. Else: {START}"
)
OTHER_REAPERS = "*:reaper"  # one for each prefix with a live worker
SCANS, SCAN_KEYS = 20, 5000
SHOWN = 3
UNKNOWN = "of an unknown version"


def examine() -> list[Finding]:
    """Raises `outages.UNAVAILABLE`."""
    found = alive()
    return judged(found, ask(_clocks()), [] if found else ask(_other_prefixes()))


def alive() -> list[WorkerStatus]:
    """Every live worker. Raises `outages.UNAVAILABLE`."""
    return list(ask(_alive()).values())


async def _alive() -> dict[str, WorkerStatus]:
    return await Heartbeats(redis_client.client()).alive()


async def _clocks() -> dict[str, float]:
    return await Heartbeats(redis_client.client()).clocks()


async def _other_prefixes() -> list[str]:
    """Prefixes of other live workers on this Redis, as far as a short search finds them."""
    redis, cursor, found = redis_client.client(), 0, set[str]()
    for _ in range(SCANS):
        try:
            cursor, keys = await redis.scan(cursor, match=OTHER_REAPERS, count=SCAN_KEYS)
        except LogError:  # refused
            break
        found.update(map(str, keys))
        if not cursor:
            break
    return sorted(name.removesuffix(OTHER_REAPERS[1:]) for name in found - {reaper()})


def judged(
    heartbeats: Sequence[WorkerStatus], ahead: Mapping[str, float], others: Sequence[str] = ()
) -> list[Finding]:
    """Judge heartbeats, clocks `ahead` of Redis's, and `others`: prefixes that have live workers."""
    if not heartbeats and others:
        found = f"none is alive with the prefix {conf.PREFIX}; there are with {', '.join(others[:SHOWN])}"
        return [error("workers", found, SAME_PREFIX)]
    if not heartbeats:
        return [error("workers", "none is alive", START)]
    each = [ok(f"worker {figures['name']}", _described(figures)) for figures in _by_name(heartbeats)]
    return [ok("workers", f"{len(heartbeats)} live"), *each, versions(heartbeats), clock(ahead)]


def versions(heartbeats: Sequence[WorkerStatus]) -> Finding:
    """Check for one version: workers read each other's data."""
    others = {_version(figures) for figures in heartbeats} - {__version__}
    if not others:
        return ok("worker versions", f"all {__version__}, as this checkout")
    found = f"{', '.join(sorted(others))}; this checkout has {__version__}"
    return warning("worker versions", found, "Deploy one version everywhere, and restart those workers.")


def clock(ahead: Mapping[str, float]) -> Finding:
    """Compare the workers' clocks."""
    spread = max(ahead.values()) - min(ahead.values()) if ahead else 0.0
    return clocks.judged("worker clocks", spread)


def _by_name(heartbeats: Iterable[WorkerStatus]) -> list[WorkerStatus]:
    return sorted(heartbeats, key=lambda figures: str(figures["name"]))


def _version(figures: WorkerStatus) -> str:
    return str(figures.get("version", UNKNOWN))


def _described(figures: WorkerStatus) -> str:
    bound = f" of {figures['concurrency']}" if "concurrency" in figures else ""
    return f"{_version(figures)}, pid {figures['pid']}, {len(figures['running'])}{bound} answers"

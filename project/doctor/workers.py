"""The workers: how many live, of which version, and whether their clocks agree."""

from collections.abc import Iterable, Mapping, Sequence

from chat import __version__
from chat.transport import redis_client
from chat.transport.heartbeats import Figures, Heartbeats
from project.doctor import clocks
from project.doctor.finding import Finding, error, ok, warning
from project.doctor.store import ask

START = "Start one: `celery -A project worker`."
UNKNOWN = "of a version that does not tell it"


def examine() -> list[Finding]:
    """Ask Redis for their beats, and judge. Raises what `chat.transport.outages` names."""
    return judged(alive(), ask(_clocks()))


def alive() -> list[Figures]:
    """The figures of each living worker. Raises what `chat.transport.outages` names."""
    return list(ask(_alive()).values())


async def _alive() -> dict[str, Figures]:
    return await Heartbeats(redis_client.client()).alive()


async def _clocks() -> dict[str, float]:
    return await Heartbeats(redis_client.client()).clocks()


def judged(beats: Sequence[Figures], ahead: Mapping[str, float]) -> list[Finding]:
    """The workers with the figures of their beats, and how far each one's clock is ahead of Redis's."""
    if not beats:
        return [error("workers", "none lives: nothing is answered", START)]
    each = [ok(f"worker {figures['name']}", _described(figures)) for figures in _by_name(beats)]
    return [ok("workers", f"{len(beats)} live"), *each, versions(beats), clock(ahead)]


def versions(beats: Sequence[Figures]) -> Finding:
    """All of this checkout's version: what one writes, the others read."""
    odd = {_version(figures) for figures in beats} - {__version__}
    if not odd:
        return ok("worker versions", f"all {__version__}, as this checkout")
    found = f"{', '.join(sorted(odd))}; this checkout has {__version__}"
    return warning("worker versions", found, "Deploy one version everywhere, and start those workers again.")


def clock(ahead: Mapping[str, float]) -> Finding:
    """The clocks of the workers among each other: Redis's is only what both are compared with."""
    spread = max(ahead.values()) - min(ahead.values()) if ahead else 0.0
    return clocks.judged("worker clocks", spread)


def _by_name(beats: Iterable[Figures]) -> list[Figures]:
    return sorted(beats, key=lambda figures: str(figures["name"]))


def _version(figures: Figures) -> str:
    return str(figures.get("version", UNKNOWN))


def _described(figures: Figures) -> str:
    bound = f" of {figures['concurrency']}" if "concurrency" in figures else ""
    return f"{_version(figures)}, pid {figures['pid']}, {len(figures['running'])}{bound} answers"

"""Check that the logs of ended responses fit into Redis."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import Error
from django.utils import timezone

from chat.conf import conf
from chat.models import Response
from chat.transport import redis_client
from chat.transport.event_log import key
from project.doctor.finding import Finding, ok, warning
from project.doctor.store import ask

SAMPLE = 20  # logs that are measured
SHARE = 0.5  # of the memory; the rest is for running responses and for the next hour


def examine() -> list[Finding]:
    """Nothing without the table, which `responses` reports. Raises `outages.UNAVAILABLE`."""
    since = timezone.now() - timedelta(seconds=conf.EVENT_LOG_SECONDS)
    ended = Response.objects.filter(ended_at__gte=since)
    try:
        ids = ended.order_by("-ended_at")[:SAMPLE].wire_ids()
        count = ended.count()
    except Error:
        return []
    sizes, limit = ask(_measure(ids))
    return [judged(count / conf.EVENT_LOG_SECONDS, sizes, limit)]


async def _measure(response_ids: Sequence[str]) -> tuple[list[int], int]:
    """The bytes of each log that is still there, and those that Redis may use."""
    redis = redis_client.client()
    info: dict[str, Any] = await redis.info("memory")
    sizes = [await redis.memory_usage(key(response_id), samples=0) for response_id in response_ids]
    return [size for size in sizes if size], info.get("maxmemory") or info.get("total_system_memory", 0)


def judged(per_sec: float, sizes: Sequence[int], limit: int) -> Finding:
    """Judge the need of ended logs at the present rate."""
    if not sizes:
        return ok("Redis need", "no answer has ended lately")
    mean = sum(sizes) / len(sizes)
    need = per_sec * mean * conf.EVENT_LOG_SECONDS
    found = (
        f"{per_sec:.1f} answers/s, {mean / 1024:,.0f} KiB each, kept {conf.EVENT_LOG_SECONDS} s: "
        f"{need / 2**20:,.0f} MiB"
    )
    if limit and need > limit * SHARE:
        remedy = "Lower TAILRACE_EVENT_LOG_SECONDS, or raise maxmemory: a full Redis refuses every write."
        return warning("Redis need", found, remedy)
    return ok("Redis need", found)

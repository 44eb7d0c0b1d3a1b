"""Health checks."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from channels.db import database_sync_to_async
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from chat.models import Response
from chat.streaming.draining import draining
from chat.transport import redis_client
from chat.transport.heartbeats import Heartbeats
from chat.transport.outages import UNAVAILABLE

CHECK_SECS = 2  # a slower part is unavailable

Part = dict[str, Any]


async def healthz(request: HttpRequest) -> JsonResponse:
    """Liveness and readiness of this process, whatever the other parts do: 200, or 503 while it stops."""
    stops = draining.has_begun
    return JsonResponse({"status": "stopping" if stops else "ok"}, status=503 if stops else 200)


@never_cache
async def readyz(request: HttpRequest) -> JsonResponse:
    """Readiness: 200 if the database, Redis and a worker reply, else 503; with each part's state."""
    database, redis, workers = await asyncio.gather(
        _part(_database()), _part(redis_client.client().ping()), _part(_workers())
    )
    parts = {"database": database, "redis": redis, "workers": workers}
    ready = all(part["state"] == "ok" for part in parts.values())
    body = {"status": "ready" if ready else "unavailable", "parts": parts}
    return JsonResponse(body, status=200 if ready else 503)


async def _part(check: Awaitable[Any]) -> Part:
    try:
        async with asyncio.timeout(CHECK_SECS):
            found = await check
    except UNAVAILABLE as error:
        return {"state": "unavailable", "reason": type(error).__name__}
    return found if isinstance(found, dict) else {"state": "ok"}


async def _database() -> None:
    # our own table: SQLite answers SELECT 1 from a missing file
    await database_sync_to_async(Response.objects.exists, thread_sensitive=False)()


async def _workers() -> Part:
    alive = await Heartbeats(redis_client.client()).alive()
    return {"state": "ok" if alive else "none", "alive": len(alive)}

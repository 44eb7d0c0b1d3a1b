"""Health checks."""

import asyncio
from collections.abc import Awaitable
from ipaddress import ip_address
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from chat.models import Response
from chat.streaming.draining import draining
from chat.transport import redis_client
from chat.transport.heartbeats import Heartbeats
from chat.transport.outages import UNAVAILABLE

CHECK_SECS = 2  # a slower part is unavailable
SHARED_SECS = 1  # a check costs a database connection and two commands, and any stranger may ask

Part = dict[str, Any]


async def healthz(request: HttpRequest) -> JsonResponse:
    """Liveness and readiness of this process, whatever the other parts do: 200, or 503 while it stops."""
    stops = draining.has_begun
    return JsonResponse({"status": "stopping" if stops else "ok"}, status=503 if stops else 200)


@never_cache
async def readyz(request: HttpRequest) -> JsonResponse:
    """State of the site, for people and alerts: 200 if the database, Redis and a worker reply, else 503.

    Each part's state only for this machine or with DEBUG. No readiness probe: one part that fails would take
    every web process out of service.
    """
    parts = await _recent.get()
    ready = all(part["state"] == "ok" for part in parts.values())
    details = {"parts": parts} if settings.DEBUG or _is_local(request) else {}
    body = {"status": "ready" if ready else "unavailable", **details}
    return JsonResponse(body, status=200 if ready else 503)


def _is_local(request: HttpRequest) -> bool:
    try:
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:  # of a Unix socket
        return False
    return address.is_loopback and "HTTP_X_FORWARDED_FOR" not in request.META


class _Recent:
    """The parts' states, shared by all requests within SHARED_SECS."""

    _task: asyncio.Task[dict[str, Part]] | None = None
    _until = 0.0

    async def get(self) -> dict[str, Part]:
        loop, task = asyncio.get_running_loop(), self._task
        if task is None or task.get_loop() is not loop or (task.done() and loop.time() >= self._until):
            self._task = task = loop.create_task(_parts())
            self._until = loop.time() + SHARED_SECS
        return await asyncio.shield(task)


_recent = _Recent()


async def _parts() -> dict[str, Part]:
    database, redis, workers = await asyncio.gather(
        _part(_database()), _part(redis_client.client().ping()), _part(_workers())
    )
    return {"database": database, "redis": redis, "workers": workers}


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

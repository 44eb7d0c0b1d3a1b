"""Health: alive without any other part; ready only while every part answers."""

import asyncio
import json
from typing import Any

import pytest
from django.db import connections
from django.test import AsyncClient, AsyncRequestFactory
from pytest_django import Settings

from chat.ops import health
from chat.streaming.draining import draining
from chat.transport import redis_client
from chat.transport.heartbeats import Heartbeats
from project.up import ports, valkey

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("static_root")]


@pytest.fixture
async def worker(redis_url: str) -> str:
    """A worker that lives."""
    await Heartbeats(redis_client.client()).record("w1", {})
    return "w1"


async def readiness(client: AsyncClient) -> tuple[int, dict[str, Any]]:
    reply = await client.get("/readyz")
    body = reply.json()
    assert (body["status"] == "ready") == (reply.status_code == 200)
    return reply.status_code, body["parts"]


@pytest.mark.usefixtures("worker")
async def test_it_is_ready_while_every_part_answers(async_client: AsyncClient) -> None:
    assert await readiness(async_client) == (
        200,
        {"database": {"state": "ok"}, "redis": {"state": "ok"}, "workers": {"state": "ok", "alive": 1}},
    )


@pytest.mark.usefixtures("redis_url")
async def test_without_a_worker_it_is_not_ready(async_client: AsyncClient) -> None:
    status, parts = await readiness(async_client)
    assert (status, parts["workers"]) == (503, {"state": "none", "alive": 0})
    assert parts["redis"] == parts["database"] == {"state": "ok"}


@pytest.mark.usefixtures("worker")
async def test_without_redis_it_is_soon_not_ready(async_client: AsyncClient, settings: Settings) -> None:
    await redis_client.close()
    settings.TAILRACE_LOG_URL = valkey.url(ports.pick_free())
    status, parts = await readiness(async_client)
    assert status == 503
    assert parts["database"] == {"state": "ok"}
    assert (parts["redis"]["state"], parts["workers"]["state"]) == ("unavailable", "unavailable")
    assert parts["redis"]["reason"] in ("ConnectionError", "TimeoutError")


@pytest.mark.usefixtures("worker")
async def test_without_the_database_it_is_not_ready(
    async_client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = {"NAME": "/nowhere/db.sqlite3", "ENGINE": "django.db.backends.sqlite3", "OPTIONS": {}}
    with monkeypatch.context() as patch:
        for name, value in nowhere.items():
            patch.setitem(connections.settings["default"], name, value)
        status, parts = await readiness(async_client)
    assert status == 503
    assert parts["database"] == {"state": "unavailable", "reason": "OperationalError"}
    assert parts["workers"] == {"state": "ok", "alive": 1}


async def test_it_is_alive_without_redis_and_the_database(
    async_client: AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TAILRACE_LOG_URL = valkey.url(ports.pick_free())
    with monkeypatch.context() as patch:
        patch.setitem(connections.settings["default"], "NAME", "/nowhere/db.sqlite3")
        reply = await async_client.get("/healthz")
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


@pytest.mark.usefixtures("redis_url")
async def test_readiness_is_not_cached(async_client: AsyncClient) -> None:
    assert "no-store" in (await async_client.get("/readyz")).headers["Cache-Control"]


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("host", ["10.1.2.3:8000", "pod-1", "[::1]", "-", ""])
async def test_a_probe_may_send_any_host_and_is_not_redirected(
    async_client: AsyncClient, settings: Settings, path: str, host: str
) -> None:
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["chat.example.org"], True
    assert (await async_client.get(path, headers={"host": host})).status_code == 200
    assert (await async_client.get("/minimal/", headers={"host": host})).status_code != 200


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("address", "forwarded", "debug", "shown"),
    [
        ("127.0.0.1", None, False, True),
        ("::1", None, False, True),
        ("127.0.0.1", "6.6.6.6", False, False),  # a proxy of this machine
        ("10.0.0.1", None, False, False),
        ("10.0.0.1", None, True, True),
        ("", None, False, False),
    ],
)
async def test_the_parts_are_shown_to_this_machine_only(
    settings: Settings, address: str, forwarded: str | None, debug: bool, shown: bool
) -> None:
    settings.DEBUG = debug
    request = AsyncRequestFactory().get(
        "/readyz", headers={"x-forwarded-for": forwarded} if forwarded else {}
    )
    request.META["REMOTE_ADDR"] = address
    body = json.loads((await health.readyz(request)).content)
    assert body["status"] == "ready"
    assert ("parts" in body) is shown


@pytest.mark.usefixtures("worker")
async def test_many_who_ask_at_once_cost_one_check(
    async_client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[None] = []
    database = health._database

    async def counted() -> None:
        checks.append(None)
        await database()

    monkeypatch.setattr(health, "_database", counted)
    monkeypatch.setattr(health, "SHARED_SECS", 3600)
    for _ in range(3):
        await asyncio.gather(*(async_client.get("/readyz") for _ in range(10)))
    assert len(checks) == 1
    monkeypatch.setattr(health._recent, "_until", 0)
    await async_client.get("/readyz")
    assert len(checks) == 2


async def test_a_process_that_stops_is_not_ready_and_logs_no_error(
    async_client: AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(draining, "has_begun", True)
    reply = await async_client.get("/healthz")
    assert (reply.status_code, reply.json()) == (503, {"status": "stopping"})
    assert caplog.records == []

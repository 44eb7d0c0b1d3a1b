"""A worker's health: its loop alone decides."""

import asyncio
import time
import urllib.request
from collections.abc import Iterator
from urllib.error import HTTPError

import pytest

from project.up import ports, valkey
from project.up.ports import HOST
from tests.harness.processes import free_port
from tests.harness.waiting import LEAST_SECS, await_until
from workers import runtime as module
from workers.runtime import Runtime
from workers.supervision.health import HealthServer, serve


class Worker:
    """A worker, alive or not."""

    alive = True


@pytest.fixture(scope="module")
def worker() -> Worker:
    return Worker()


@pytest.fixture(scope="module")
def server(worker: Worker) -> Iterator[HealthServer]:
    server = serve(free_port(), lambda: worker.alive)
    yield server
    server.shutdown()
    server.server_close()


def status(server: HealthServer, path: str = "/healthz") -> int:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{server.server_port}{path}") as reply:
            return int(reply.status)
    except HTTPError as error:
        with error:
            return error.code


def test_it_is_200_while_the_loop_runs_and_503_afterwards(
    server: HealthServer, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert status(server) == 200
    monkeypatch.setattr(worker, "alive", False)
    assert status(server) == 503


def test_any_other_path_is_404(server: HealthServer) -> None:
    assert status(server, "/") == 404


def test_a_taken_port_stops_the_worker_with_a_remedy(server: HealthServer) -> None:
    with pytest.raises(SystemExit, match=r"TAILRACE_HEALTH_PORT=.* Choose a free port"):
        serve(server.server_port, lambda: True)


def test_a_worker_is_healthy_before_its_loop_starts() -> None:
    assert Runtime().is_alive()


@pytest.mark.usefixtures("log")
@pytest.mark.slow
async def test_a_worker_whose_loop_hangs_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Runtime()
    loop = await asyncio.to_thread(runtime.start, "tested@host")
    assert runtime.is_alive()
    monkeypatch.setattr(module, "STUCK_SECS", 0.1)
    loop.call_soon_threadsafe(time.sleep, 1)
    await await_until(lambda: not runtime.is_alive(), LEAST_SECS, "it is found out")
    monkeypatch.undo()
    await asyncio.to_thread(runtime.stop)


@pytest.mark.slow
async def test_a_worker_without_redis_stays_healthy(
    settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "TAILRACE_LOG_URL", valkey.url(ports.pick_free()))
    runtime = Runtime()
    await asyncio.to_thread(runtime.start, "tested@host")
    heartbeat = runtime._heartbeat
    assert heartbeat is not None
    first = heartbeat.ran_at
    await await_until(lambda: heartbeat.ran_at > first, LEAST_SECS, "the next heartbeat")
    assert runtime.is_alive()
    await asyncio.to_thread(runtime.stop)

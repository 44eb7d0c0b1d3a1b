"""The end of the server: requests may finish, and none holds it up."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from chat.streaming.draining import Draining
from project.server import server as module
from project.server.server import BoundedServer
from tests.harness.waiting import deadline


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> BoundedServer:
    monkeypatch.setattr(module, "draining", Draining())  # the process's own stays open for other tests
    server = BoundedServer(None, endpoints=["none"])
    server.connections = {}
    return server


def serve(server: BoundedServer, application: Any) -> asyncio.Task[None]:
    task = asyncio.create_task(application)
    server.connections[object()] = {"application_instance": task}
    return task


async def end(server: BoundedServer) -> None:
    async with asyncio.timeout(deadline()):
        await server._end()


async def test_a_running_request_ends(server: BoundedServer) -> None:
    request = serve(server, asyncio.sleep(0.01))
    server.connections[object()] = {}  # a half request
    await end(server)
    assert request.done()
    assert not request.cancelled()


async def test_a_request_that_takes_longer_is_cancelled(
    server: BoundedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "END_SECS", 0.01)
    request = serve(server, asyncio.sleep(3600))
    await end(server)
    assert request.cancelled()


async def test_a_request_that_loses_its_cancellation_is_cancelled_again(
    server: BoundedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "END_SECS", 0.01)

    async def deaf() -> None:
        with suppress(asyncio.CancelledError):
            monkeypatch.setattr(module, "END_SECS", deadline())  # for the second cancellation
            await asyncio.sleep(3600)
        await asyncio.sleep(3600)

    request = serve(server, deaf())
    await end(server)
    assert request.cancelled()


async def test_a_request_that_cannot_be_cancelled_does_not_hold_up_the_end(
    server: BoundedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "END_SECS", 0.01)

    may_end = False

    async def stubborn() -> None:
        while not may_end:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)

    request = serve(server, stubborn())
    await end(server)
    assert not request.done()
    may_end = True
    request.cancel()
    await request

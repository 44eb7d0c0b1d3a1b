"""Servers other than ours: the process drains from the signal on, and at the end of its lifespan."""

import asyncio
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from chat.streaming.draining import Draining
from project.server import lifespan
from project.server.lifespan import Lifespan
from project.server.server import STOP_SIGNALS
from tests.harness.waiting import await_until, deadline


@pytest.fixture
def draining(monkeypatch: pytest.MonkeyPatch) -> Draining:
    draining = Draining()
    monkeypatch.setattr(lifespan, "draining", draining)
    return draining


@pytest.fixture
def signals() -> Iterator[list[int]]:
    """The signals that the server has got, which stands before the application."""
    got: list[int] = []
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    for number in before:
        signal.signal(number, lambda number, frame: got.append(number))
    yield got
    for number, handler in before.items():
        signal.signal(number, handler)


class Process:
    """The server's end of a lifespan."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.tell("startup")
        application = Lifespan(self._refuse)
        self.running = asyncio.create_task(application({"type": "lifespan"}, self._events.get, self._send))

    def tell(self, what: str) -> None:
        self._events.put_nowait({"type": f"lifespan.{what}"})

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.append(message["type"])

    async def _refuse(self, *_: Any) -> None:
        pytest.fail("no request was sent")


@pytest.mark.parametrize("number", STOP_SIGNALS)
async def test_streams_end_from_the_signal_on(draining: Draining, signals: list[int], number: int) -> None:
    process = Process()
    await await_until(lambda: process.sent == ["lifespan.startup.complete"], 5, "it has begun")
    assert not draining.has_begun
    os.kill(os.getpid(), number)
    await await_until(lambda: draining.is_over, 5, "it drains")
    assert signals == [number]
    process.tell("shutdown")
    await asyncio.wait_for(process.running, deadline())
    assert process.sent[-1] == "lifespan.shutdown.complete"


@pytest.mark.usefixtures("signals")
async def test_without_a_signal_the_end_of_the_lifespan_drains(draining: Draining) -> None:
    process = Process()
    process.tell("shutdown")
    await asyncio.wait_for(process.running, deadline())
    assert draining.is_over
    assert process.sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]

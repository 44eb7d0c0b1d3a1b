"""Draining: each socket is closed once, spread over the time, and those that come late, too."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from chat.protocol.errors import MOVING
from chat.streaming.backpressure import ClientConnection
from chat.streaming.draining import Draining

Message = dict[str, Any]
SECS = 30


class Clock:
    """A loop's time that passes only in `sleep`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.least_secs = 0.0  # a busy process sleeps at least so long
        self.on_sleep: Callable[[], Coroutine[Any, Any, None]] | None = None  # once
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self.now)
        monkeypatch.setattr("chat.streaming.draining.asyncio.sleep", self.sleep)

    async def sleep(self, secs: float) -> None:
        self.now += max(secs, self.least_secs)
        on_sleep, self.on_sleep = self.on_sleep, None
        if on_sleep:
            await on_sleep()


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


class Client(ClientConnection):
    """A client that records when it was closed."""

    def __init__(self, clock: Clock, error: Exception | None = None) -> None:
        super().__init__(self._record)
        self.clock, self.error = clock, error
        self.sent: list[Message] = []
        self.closed_at = -1.0

    async def _record(self, message: Message) -> None:
        self.sent.append(message)
        self.closed_at = self.clock.now
        if self.error:
            raise self.error


async def test_sockets_are_closed_one_after_the_other_over_the_time(clock: Clock) -> None:
    draining, clients = Draining(), [Client(clock) for _ in range(10)]
    for client in clients:
        await draining.add(client)
    await draining.run(SECS)
    assert [round(client.closed_at) for client in clients] == list(range(0, SECS, 3))


async def test_a_busy_process_leaves_no_crowd_for_the_end(clock: Clock) -> None:
    draining, clients, clock.least_secs = Draining(), [Client(clock) for _ in range(100)], 3
    for client in clients:
        await draining.add(client)
    await draining.run(SECS)
    closed = Counter(client.closed_at for client in clients)
    assert max(closed.values()) <= 12  # of 10 by the plan, each 3 s


async def test_a_client_is_told_before_its_socket_is_closed(clock: Clock) -> None:
    draining, client = Draining(), Client(clock)
    await draining.add(client)
    await draining.run(0)
    event, close = client.sent
    assert json.loads(event["text"])["type"] == "tailrace:moving"
    assert close == {"type": "websocket.close", "code": MOVING}
    assert client.is_closed


async def test_a_late_socket_is_closed_at_the_end(clock: Clock) -> None:
    draining, late = Draining(), Client(clock)
    await draining.add(Client(clock))
    clock.on_sleep = lambda: draining.add(late)
    await draining.run(SECS)
    assert late.is_closed
    assert not draining._open


async def test_a_socket_whose_handshake_outlasts_the_drain_is_closed_at_once(clock: Clock) -> None:
    draining, late = Draining(), Client(clock)
    await draining.run(0)
    await draining.add(late)
    assert late.is_closed
    assert not draining._open


async def test_without_sockets_it_is_over_at_once(clock: Clock) -> None:
    draining = Draining()
    await draining.run(SECS)
    assert (clock.now, draining.has_begun, draining.is_over) == (0, True, True)


async def test_a_client_that_has_left_stops_nothing(clock: Clock) -> None:
    draining, gone, other = Draining(), Client(clock, RuntimeError()), Client(clock)
    await draining.add(gone)
    await draining.add(other)
    await draining.run(SECS)
    assert other.is_closed

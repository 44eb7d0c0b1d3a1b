"""The peer, at a transport that keeps Twisted's contract. At Daphne's own: `tests/faults/test_readers.py`."""

import asyncio
import functools
import json
from typing import Any

import pytest

from chat.protocol.errors import SLOW_READER
from chat.sockets import daphne as peer_module
from chat.sockets.daphne import (
    MAX_UNREAD_FRAMES,
    MAX_WAITING_CHARS,
    MAX_WAITING_COMMANDS,
    SILENT_SECS,
    ClientConnections,
    DaphneConnection,
    ReceiveQueue,
)
from chat.streaming.backpressure import ClientConnection
from tests.harness.waiting import await_until

Message = dict[str, Any]


class Transport:
    """A transport that records its producer and its calls."""

    def __init__(self) -> None:
        self.producer: Any = "the HTTP connection"
        self.reads, self.aborted = True, False

    def registerProducer(self, producer: Any, streaming: bool) -> None:  # noqa: N802
        assert self.producer is None, "Twisted takes one producer"
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:  # noqa: N802
        self.producer = None

    def pauseProducing(self) -> None:  # noqa: N802
        self.reads = False

    def resumeProducing(self) -> None:  # noqa: N802
        self.reads = True

    def abortConnection(self) -> None:  # noqa: N802
        self.aborted = True


class Protocol:
    """Daphne's WebSocket protocol, as far as the tests need it."""

    def __init__(self) -> None:
        self.transport = Transport()
        self.application_queue: Any = asyncio.Queue()
        self.sent: list[Message] = []


async def reply(protocol: Protocol, message: Message) -> None:
    """Daphne's `Server.handle_reply`."""
    protocol.sent.append(message)


@pytest.fixture
async def protocol() -> Protocol:
    return Protocol()


@pytest.fixture
async def connection(protocol: Protocol) -> DaphneConnection:
    return DaphneConnection(protocol, functools.partial(reply, protocol))


async def test_a_full_transport_pauses_and_an_empty_one_resumes(
    protocol: Protocol, connection: DaphneConnection
) -> None:
    resumed = []
    connection.on_resume = lambda: resumed.append(connection.paused)
    assert protocol.transport.producer is connection
    connection.pauseProducing()
    connection.pauseProducing()  # as at each write
    assert (connection.paused, resumed) == (True, [])
    connection.resumeProducing()
    assert (connection.paused, resumed) == (False, [False])


async def test_who_does_not_read_in_time_hears_why_and_is_closed_and_let_go(
    protocol: Protocol, connection: DaphneConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_module, "UNREAD_SECS", 0.01)
    monkeypatch.setattr(peer_module, "CLOSE_SECS", 0.05)
    connection.pauseProducing()

    async def closed() -> bool:
        return len(protocol.sent) == 2

    await await_until(closed, 5, "it is closed")
    reason, close = protocol.sent
    assert json.loads(reason["text"])["error"]["code"] == "slow_reader"
    assert close == {"type": "websocket.close", "code": SLOW_READER}
    assert protocol.transport.producer is None  # else Twisted would wait for us
    assert connection.paused  # nothing more is forwarded

    async def aborted() -> bool:
        return protocol.transport.aborted

    await await_until(aborted, 5, "it is let go")


@pytest.mark.parametrize("end", ["resumeProducing", "stopProducing"])
async def test_who_reads_in_time_or_is_gone_is_not_closed(
    protocol: Protocol, connection: DaphneConnection, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(peer_module, "UNREAD_SECS", 0.01)
    connection.pauseProducing()
    patience = connection._timer
    getattr(connection, end)()
    assert patience is not None
    assert patience.cancelled()


async def test_who_asks_for_more_and_more_and_does_not_read_is_dropped(
    protocol: Protocol, connection: DaphneConnection
) -> None:
    for _ in range(MAX_UNREAD_FRAMES):
        connection.pauseProducing()
    assert not protocol.transport.aborted
    connection.pauseProducing()
    assert protocol.transport.aborted


async def test_what_was_read_does_not_count_any_more(
    protocol: Protocol, connection: DaphneConnection
) -> None:
    for _ in range(3):
        for _ in range(MAX_UNREAD_FRAMES):
            connection.pauseProducing()
        connection.resumeProducing()
    assert not protocol.transport.aborted


async def test_a_connection_is_not_read_while_too_many_commands_wait() -> None:
    transport = Transport()
    queue = ReceiveQueue(asyncio.Queue(), transport)
    for number in range(MAX_WAITING_COMMANDS):
        queue.put_nowait({"type": "websocket.receive", "number": number})
    assert transport.reads
    queue.put_nowait({"type": "websocket.receive", "number": MAX_WAITING_COMMANDS})
    assert not transport.reads
    numbers = [(await queue.get())["number"] for _ in range(MAX_WAITING_COMMANDS)]
    assert not transport.reads
    numbers.append((await queue.get())["number"])
    assert transport.reads
    assert numbers == list(range(MAX_WAITING_COMMANDS + 1))


async def test_a_connection_is_not_read_while_long_commands_wait() -> None:
    transport = Transport()
    queue = ReceiveQueue(asyncio.Queue(), transport)
    for _ in range(2):  # received ones count no more
        queue.put_nowait({"type": "websocket.receive", "text": "x" * MAX_WAITING_CHARS})
        assert transport.reads
        queue.put_nowait({"type": "websocket.receive", "bytes": b"x"})
        assert not transport.reads
        for _ in range(2):
            await queue.get()
        assert transport.reads


async def test_a_client_that_is_too_fast_is_not_read_for_a_time() -> None:
    transport = Transport()
    queue = ReceiveQueue(asyncio.Queue(), transport)
    queue.stop_reading(3600)
    assert not transport.reads
    for number in range(MAX_WAITING_COMMANDS + 1):
        queue.put_nowait({"type": "websocket.receive", "number": number})
    assert [(await queue.get())["number"] for _ in range(MAX_WAITING_COMMANDS + 1)][
        -1
    ] == MAX_WAITING_COMMANDS
    assert not transport.reads  # it is empty, and the time is not over
    queue.stop_reading(0)  # the last one counts
    await await_until(lambda: transport.reads, 5, "it is read again")


async def test_reading_goes_on_after_the_time_only_if_nothing_waits() -> None:
    transport = Transport()
    queue = ReceiveQueue(asyncio.Queue(), transport)
    queue.put_nowait({"type": "websocket.receive", "text": "x" * (MAX_WAITING_CHARS + 1)})
    queue.stop_reading(0)
    await await_until(lambda: queue._timer is None, 5, "the time is over")
    assert not transport.reads
    await queue.get()
    assert transport.reads


async def test_the_waiting_commands_of_a_lost_client_are_dropped() -> None:
    queue = ReceiveQueue(asyncio.Queue(), Transport())
    queue.put_nowait({"type": "websocket.connect"})
    for _ in range(3):
        queue.put_nowait({"type": "websocket.receive"})
    queue.put_nowait({"type": "websocket.disconnect"})
    received = [(await queue.get())["type"] for _ in range(2)]
    assert received == ["websocket.connect", "websocket.disconnect"]
    assert queue._queue.empty()


async def met(receive: Any, send: Any) -> tuple[ClientConnection, Any]:
    """The peer in the scope, and the application's `receive`."""
    found: list[Any] = []

    async def application(scope: Message, receive: Any, send: Any) -> None:
        found.extend((scope["connection"], receive))

    await ClientConnections(application)({"type": "websocket"}, receive, send)
    return found[0], found[1]


async def test_behind_daphnes_send_stands_a_peer(protocol: Protocol) -> None:
    queue = protocol.application_queue
    queue.put_nowait({"type": "websocket.connect"})
    connection, receive = await met(queue.get, functools.partial(reply, protocol))
    assert protocol.transport.producer is connection
    assert await receive() == {"type": "websocket.connect"}
    protocol.application_queue.put_nowait({"type": "websocket.receive"})
    assert await receive() == {"type": "websocket.receive"}


@pytest.mark.parametrize("send", [print, functools.partial(print, "something"), functools.partial(print)])
async def test_behind_another_servers_send_a_peer_always_reads(send: Any) -> None:
    queue: asyncio.Queue[Message] = asyncio.Queue()
    wanted = queue.get
    connection, receive = await met(wanted, send)
    assert not connection.paused
    assert receive is wanted


def test_our_reason_comes_before_daphnes_silent_end() -> None:
    assert peer_module.UNREAD_SECS + peer_module.CLOSE_SECS < SILENT_SECS

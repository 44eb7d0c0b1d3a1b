"""An HTTP answer that streams, at a client that reads, does not read, or leaves."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from chat.streaming import http_connection
from chat.streaming.draining import Draining
from chat.streaming.http_connection import CHUNK_CHARS, HttpConnection
from tests.harness.waiting import await_until, deadline

Message = dict[str, Any]
HEADERS = [(b"content-type", b"text/event-stream")]


class Client:
    """A client, and its server's `receive` and `send`: the latter waits while the client does not read."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.aborted = False
        self.reads = asyncio.Event()
        self.reads.set()
        self._gone: asyncio.Queue[Message] = asyncio.Queue()
        self.connection = HttpConnection({"abort": self.abort}, self._gone.get, self._send)

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        await self.reads.wait()

    def leave(self) -> None:
        self._gone.put_nowait({"type": "http.disconnect"})

    def abort(self) -> None:
        self.aborted = True
        self.leave()

    @property
    def body(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    @property
    def is_complete(self) -> bool:
        """Whether the answer has its end."""
        return bool(self.sent) and not self.sent[-1].get("more_body", self.sent[-1]["type"].endswith("start"))

    async def serve(self, work: Callable[[HttpConnection], Awaitable[None]]) -> None:
        async def working() -> None:
            await work(self.connection)

        await asyncio.wait_for(self.connection.serve(working()), deadline())

    def start(self, work: Callable[[HttpConnection], Awaitable[None]]) -> "asyncio.Task[None]":
        return asyncio.create_task(self.serve(work))


@pytest.fixture
async def draining(monkeypatch: pytest.MonkeyPatch) -> Draining:
    draining = Draining()
    monkeypatch.setattr(http_connection, "draining", draining)
    return draining


@pytest.fixture
async def client(draining: Draining) -> Client:
    return Client()


async def forever(connection: HttpConnection) -> None:
    await connection.open(200, HEADERS)
    await asyncio.Event().wait()


async def fill(connection: HttpConnection) -> int:
    """Send until the client is too slow; how much was sent."""
    sent = 0
    while not connection.paused:
        await connection.send_text("x" * 1024)
        sent += 1024
    return sent


async def test_a_stream_begins_with_its_headers_and_has_all_texts_in_order(client: Client) -> None:
    async def work(connection: HttpConnection) -> None:
        await connection.open(200, HEADERS)
        assert client.sent == [
            {"type": "http.response.start", "status": 200, "headers": HEADERS},
            {"type": "http.response.body", "more_body": True},
        ]
        for number in range(100):
            await connection.send_text(f"{number} ≈ ")
        await connection.end()

    await client.serve(work)
    assert client.body == "".join(f"{number} ≈ " for number in range(100))
    assert client.is_complete
    assert not client.aborted
    assert not client.connection.left.is_set()


async def test_texts_of_the_same_moment_are_one_part(client: Client) -> None:
    async def work(connection: HttpConnection) -> None:
        await connection.open(200, HEADERS)
        for letters in ("ab", "cd"):
            for letter in letters:
                await connection.send_text(letter)
            await await_until(lambda: not connection._waiting, 5, "they are written")
        await connection.end()

    await client.serve(work)
    assert [message["body"] for message in client.sent if "body" in message] == [b"ab", b"cd", b""]


async def test_a_client_that_reads_never_pauses(client: Client) -> None:
    async def work(connection: HttpConnection) -> None:
        await connection.open(200, HEADERS)
        for _ in range(100):
            await connection.send_text("x" * CHUNK_CHARS)
            assert not connection.paused
        await connection.end()

    await client.serve(work)
    assert len(client.body) == 100 * CHUNK_CHARS


async def test_what_waits_for_a_client_is_bounded_and_comes_once_it_reads(client: Client) -> None:
    resumed = asyncio.Event()

    async def work(connection: HttpConnection) -> None:
        connection.on_resume = resumed.set
        await connection.open(200, HEADERS)
        client.reads.clear()
        assert await fill(connection) <= 2 * CHUNK_CHARS
        assert not resumed.is_set()
        client.reads.set()
        await asyncio.wait_for(resumed.wait(), deadline())
        assert not connection.paused
        await connection.send_text("the rest")
        await connection.end()

    await client.serve(work)
    assert client.body.endswith("xthe rest")
    assert client.is_complete


async def test_of_a_long_text_the_server_holds_a_part_and_this_process_one_copy(client: Client) -> None:
    long = "≈" * 20 * CHUNK_CHARS

    async def work(connection: HttpConnection) -> None:
        other = Client().connection
        await connection.open(200, HEADERS)
        client.reads.clear()
        await connection.send_text("before")
        await await_until(lambda: client.body == "before", 5, "the server has it")
        await connection.send_text("".join([long, "."]))
        await other.send_text("".join([long, "."]))
        assert connection._waiting[0] is other._waiting[0]
        await connection.send_text("after")
        assert connection.paused
        assert client.body == "before"
        client.reads.set()
        await connection.end()

    await client.serve(work)
    assert client.body == f"before{long}.after"
    assert max(len(message.get("body", b"").decode()) for message in client.sent) <= CHUNK_CHARS
    assert client.is_complete


async def test_a_client_that_reads_nothing_for_a_time_is_given_up(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "UNREAD_SECS", 0.01)

    async def work(connection: HttpConnection) -> None:
        await connection.open(200, HEADERS)
        client.reads.clear()
        await fill(connection)
        await asyncio.Event().wait()

    await client.serve(work)
    assert client.aborted
    assert client.connection.left.is_set()


async def test_a_client_that_reads_in_time_is_not_given_up(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "UNREAD_SECS", 3600)

    async def work(connection: HttpConnection) -> None:
        await connection.open(200, HEADERS)
        client.reads.clear()
        await fill(connection)
        timer = connection._timer
        assert timer is not None
        client.reads.set()
        await await_until(timer.cancelled, 5, "its time has no end")
        await connection.end()
        assert connection._timer is not None

    await client.serve(work)
    assert client.connection._timer is not None
    assert client.connection._timer.cancelled()


async def test_a_client_that_does_not_read_the_end_is_given_up(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "UNREAD_SECS", 0.01)

    async def work(connection: HttpConnection) -> None:
        await connection.open(200, HEADERS)
        client.reads.clear()
        await connection.send_text("the end")
        await connection.end()

    await client.serve(work)
    assert client.aborted
    assert client.connection.left.is_set()


async def test_each_part_that_the_client_takes_gives_it_time_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[int] = []

    async def work(connection: HttpConnection) -> None:
        await connection.open(200, HEADERS)
        client.reads.clear()
        await connection.send_text("before")
        await await_until(lambda: client.body == "before", 5, "the server has it")
        monkeypatch.setattr(connection, "_start_timer", lambda: left.append(connection._chars))
        await connection.send_text("x" * 3 * CHUNK_CHARS)
        await connection.send_text("x" * 3 * CHUNK_CHARS)
        client.reads.set()
        await connection.end()

    await client.serve(work)
    waiting = [CHUNK_CHARS * count for count in (3, 6, 5, 4, 3, 2, 1, 0)]
    assert [chars for chars in left if chars in waiting][-6:] == waiting[-6:]


async def test_the_work_is_cancelled_when_the_client_leaves(client: Client) -> None:
    cleaned = []

    async def work(connection: HttpConnection) -> None:
        try:
            await forever(connection)
        finally:
            await asyncio.sleep(0)
            cleaned.append(connection.left.is_set())

    serving = client.start(work)
    await await_until(lambda: len(client.sent) == 2, 5, "it streams")
    client.leave()
    await serving
    assert cleaned == [True]
    assert not client.is_complete


async def test_the_work_is_cancelled_when_the_client_leaves_before_an_answer(client: Client) -> None:
    async def work(connection: HttpConnection) -> None:
        await asyncio.Event().wait()

    client.leave()
    await client.serve(work)
    assert client.connection.left.is_set()
    assert client.sent == []
    assert not client.aborted


async def test_the_end_of_an_answer_is_no_leaving(client: Client) -> None:
    async def work(connection: HttpConnection) -> None:
        await connection.reply(200, HEADERS, b"{}")
        client.leave()  # as servers say after it
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    await client.serve(work)
    assert not client.connection.left.is_set()
    assert client.is_complete
    assert client.body == "{}"


async def test_an_error_after_the_beginning_aborts_the_stream(client: Client) -> None:
    async def work(connection: HttpConnection) -> None:
        await connection.open(200, HEADERS)
        raise LookupError

    with pytest.raises(LookupError):
        await client.serve(work)
    assert client.aborted
    assert not client.is_complete


async def test_a_stream_without_end_is_aborted(client: Client) -> None:
    async def work(connection: HttpConnection) -> None:
        await connection.open(200, HEADERS)

    await client.serve(work)
    assert client.aborted


@pytest.mark.parametrize("stalls", [False, True])
async def test_the_stop_of_the_process_ends_a_stream_that_can_be_resumed(
    client: Client, draining: Draining, stalls: bool
) -> None:
    async def work(connection: HttpConnection) -> None:
        await connection.open(200, HEADERS)
        if stalls:
            client.reads.clear()
            await fill(connection)
        await asyncio.Event().wait()

    serving = client.start(work)
    await await_until(lambda: len(client.sent) >= 2 and client.connection.paused is stalls, 5, "it streams")
    await draining.run(0)
    await serving
    assert client.connection.moved
    assert not client.connection.left.is_set()
    assert client.aborted  # no end: no client takes it for whole
    assert not client.is_complete


async def test_a_stream_that_begins_after_the_last_turn_ends_at_once(
    client: Client, draining: Draining
) -> None:
    await draining.run(0)
    await client.serve(forever)
    assert client.connection.moved


async def test_a_short_request_may_end_while_the_process_stops(client: Client, draining: Draining) -> None:
    async def work(connection: HttpConnection) -> None:
        await draining.run(0)
        await connection.reply(200, HEADERS, b"{}")

    await client.serve(work)
    assert not client.connection.moved
    assert client.is_complete


async def test_a_request_that_ended_is_not_moved(client: Client, draining: Draining) -> None:
    async def work(connection: HttpConnection) -> None:
        await connection.allow_move()
        await connection.reply(200, HEADERS, b"{}")

    await client.serve(work)
    assert draining._open == {}

"""HTTP: a body is bounded and a request has its time, before the application hears of it."""

import asyncio

import pytest
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from chat.streaming.draining import draining
from project.server import limits
from tests.harness.waiting import deadline
from tests.project.server.connections import Connection

POST = b"POST /accounts/login/ HTTP/1.1\r\nHost: a\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


def with_length(size: int) -> bytes:
    return POST + b"Content-Length: %d\r\n\r\n" % size


def chunk(size: int) -> bytes:
    return b"%x\r\n%s\r\n" % (size, b"a" * size)


CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def test_a_body_up_to_the_limit_reaches_the_application() -> None:
    connection, body = Connection(), b"a" * limits.MAX_BODY_BYTES
    connection.send(with_length(len(body)), body[:1000], body[1000:])
    assert connection.received == [body]


def test_a_body_in_chunks_up_to_the_limit_reaches_the_application() -> None:
    connection, half = Connection(), limits.MAX_BODY_BYTES // 2
    connection.send(CHUNKED, chunk(half), chunk(half), b"0\r\n\r\n")
    assert connection.received == [b"a" * 2 * half]


@pytest.mark.parametrize("size", [limits.MAX_BODY_BYTES + 1, 1_500_000_000])
def test_a_larger_body_is_refused_from_its_header(size: int) -> None:
    connection = Connection()
    connection.send(with_length(size))
    assert (connection.status, connection.transport.half_closed) == ("413", True)
    assert b"Connection: close" in connection.transport.value()


def test_a_larger_body_in_chunks_is_refused_while_it_arrives() -> None:
    connection = Connection()
    connection.send(CHUNKED, chunk(limits.MAX_BODY_BYTES))
    assert connection.status == ""
    connection.send(chunk(1) + b"0\r\n\r\n")
    assert (connection.status, connection.received) == ("413", [])


def test_a_larger_chunk_is_refused_before_its_end() -> None:
    connection = Connection()
    connection.send(CHUNKED, b"%x\r\n" % 10**9, b"a" * (limits.MAX_BODY_BYTES + 1))
    assert connection.status == "413"


def test_what_a_refused_client_sends_is_discarded_and_soon_the_connection_is_aborted() -> None:
    connection = Connection()
    connection.send(with_length(10**9), b"a" * limits.LINGER_BYTES)
    assert not connection.transport.aborted
    connection.send(b"a")
    assert connection.transport.aborted


def test_a_refused_client_that_stays_is_aborted() -> None:
    connection = Connection()
    connection.send(with_length(10**9))
    connection.clock.advance(limits.LINGER_SECS)
    assert connection.transport.aborted


def test_a_path_may_have_a_larger_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.BODIES, "/accounts/login/", 10**6)
    connection = Connection()
    connection.send(with_length(10**6), b"a" * 10**6)
    assert connection.received == [b"a" * 10**6]


def test_a_silent_connection_is_closed_without_a_word() -> None:
    connection = Connection()
    connection.clock.advance(limits.HEADER_SECS - 1)
    assert not connection.is_closed
    connection.clock.advance(1)
    assert (connection.is_closed, connection.status) == (True, "")


def trickle(connection: Connection, part: bytes, secs: int) -> None:
    """Send a byte or a line each second, as long as a server without deadlines would wait."""
    for _ in range(secs):
        connection.clock.advance(1)
        if not connection.channel.is_refused and not connection.is_closed:
            connection.send(part)


def test_a_header_has_its_time_however_often_a_line_arrives() -> None:
    connection = Connection()
    connection.send(POST)
    trickle(connection, b"X-A: b\r\n", limits.HEADER_SECS)
    assert connection.status == "408"


def test_a_first_line_has_its_time_however_often_a_byte_arrives() -> None:
    connection = Connection()
    trickle(connection, b"a", limits.HEADER_SECS)
    assert connection.is_closed


@pytest.mark.parametrize(("head", "part"), [(with_length(1000), b"a"), (CHUNKED, chunk(1))])
def test_a_body_has_its_time_however_often_a_byte_arrives(head: bytes, part: bytes) -> None:
    connection = Connection()
    connection.send(head)
    trickle(connection, part, limits.BODY_SECS)
    assert (connection.status, connection.received) == ("408", [])


def test_a_slow_application_has_no_deadline() -> None:
    connection = Connection()
    connection.send(GET)
    connection.clock.advance(10 * limits.BODY_SECS)
    connection.reply()
    assert connection.status == "200"


def test_the_next_request_of_a_connection_has_its_own_time() -> None:
    connection = Connection()
    connection.send(GET)
    connection.reply()
    connection.clock.advance(limits.IDLE_SECS - 1)
    connection.send(GET[:10])
    connection.clock.advance(limits.HEADER_SECS - 1)
    assert not connection.is_closed
    connection.send(GET[10:])
    connection.reply()
    assert connection.received == [b"", b""]


def test_a_pipelined_half_request_has_its_time() -> None:
    connection = Connection()
    connection.send(GET + GET[:10])
    connection.clock.advance(60)
    connection.reply()
    trickle(connection, b"a", limits.HEADER_SECS)
    assert connection.is_closed or connection.channel.is_refused


def test_a_connection_between_requests_is_closed_at_last() -> None:
    connection = Connection()
    connection.send(GET)
    connection.reply()
    connection.clock.advance(limits.IDLE_SECS)
    assert connection.is_closed


def test_a_lost_connection_leaves_no_timer() -> None:
    connection = Connection()
    connection.send(POST)
    connection.channel.connectionLost(None)
    assert connection.clock.getDelayedCalls() == []


def test_a_handshake_beyond_the_limit_gets_503() -> None:
    handshake = b"GET /ws/responses/ HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"
    connection = Connection(handshakes=limits.MAX_HANDSHAKES)
    connection.send(handshake)
    assert (connection.status, connection.received) == ("503", [])


def test_a_request_at_the_end_of_the_process_gets_503(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "is_over", True)
    connection = Connection()
    connection.send(GET)
    assert (connection.status, connection.received) == ("503", [])


@pytest.mark.parametrize("begun", [b"", POST, GET])
def test_of_too_many_connections_without_a_request_the_oldest_is_closed(begun: bytes) -> None:
    connection = Connection()
    first, connection.factory.most_waiting = connection.transport, 2
    for _ in range(2):
        connection.send(begun)
        if begun == GET:
            connection.reply()
        assert not first.aborted
        connection.open()
    assert first.aborted
    assert not connection.transport.aborted


def test_a_connection_with_a_running_request_is_kept() -> None:
    connection = Connection()
    first, connection.factory.most_waiting = connection.transport, 1
    connection.send(GET)
    connection.open()
    connection.open()
    assert not first.aborted


def test_a_closed_connection_is_not_counted() -> None:
    connection = Connection()
    connection.channel.connectionLost(None)
    assert connection.factory.waiting == {}


@pytest.mark.parametrize("has_begun", [False, True])
def test_an_error_of_the_application_is_a_page_or_the_end_of_the_answer(has_begun: bool) -> None:
    connection = Connection()
    connection.send(GET)
    request = connection.channel.requests[0]
    if has_begun:
        request.handle_reply({"type": "http.response.start", "status": 200, "headers": []})
    request.handle_exception(LookupError())
    assert connection.transport.aborted is has_begun
    assert (b"500" in connection.transport.value()) is not has_begun


def paused() -> Connection:
    """A connection with a running request, whose client reads nothing."""
    connection = Connection()
    connection.send(GET)
    connection.channel.pauseProducing()
    return connection


@pytest.mark.parametrize("ending", ["resumeProducing", "connectionLost"])
async def test_the_sender_of_an_answer_in_parts_waits_until_the_client_reads_or_leaves(ending: str) -> None:
    connection = paused()
    waiting = asyncio.create_task(connection.channel.drained())
    await asyncio.sleep(0)
    assert not waiting.done()
    arguments = [Failure(ConnectionDone())] if ending == "connectionLost" else []
    getattr(connection.channel, ending)(*arguments)
    await asyncio.wait_for(waiting, deadline())
    connection.clock.advance(limits.ANSWER_SECS + 1)
    assert not connection.transport.aborted


async def test_a_client_that_does_not_read_an_answer_in_parts_is_aborted() -> None:
    connection = paused()
    waiting = asyncio.create_task(connection.channel.drained())
    await asyncio.sleep(0)
    connection.clock.advance(limits.ANSWER_SECS + 1)
    assert connection.transport.aborted
    connection.channel.connectionLost(Failure(ConnectionDone()))
    await asyncio.wait_for(waiting, deadline())


async def test_a_client_that_reads_holds_up_nothing() -> None:
    connection = Connection()
    connection.send(GET)
    await asyncio.wait_for(connection.channel.drained(), deadline())

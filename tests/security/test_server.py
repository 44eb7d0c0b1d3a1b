"""Clients that send too much, or never finish: the web server refuses them and serves the others."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from project.server import limits
from project.up.ports import HOST
from tests.harness.stack import answers
from tests.harness.waiting import deadline, wait_until
from tests.security.conftest import HASTE_SECS, Start, Web

PATHS = ("/healthz", "/accounts/login/", "/ws/responses/", "/static/none.js", "/nowhere")
LARGE = 1_500_000_000
MOST_GROWTH_MB = 20
OPEN_FILES, HALF_REQUESTS = 256, 400


def head(path: str, field: str) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\n{field}\r\n\r\n".encode()


@contextlib.contextmanager
def client(web: Web) -> Iterator[socket.socket]:
    with socket.create_connection((HOST, web.port), timeout=deadline()) as connection:
        yield connection


def upload(web: Web, begin: bytes, part: bytes) -> tuple[bytes, int]:
    """Send parts until the server closes; return the start of its reply and the bytes sent."""
    sent = 0
    with client(web) as connection:
        connection.sendall(begin)
        with contextlib.suppress(ConnectionError):
            while sent < LARGE:
                connection.sendall(part)
                sent += len(part)
        with contextlib.suppress(ConnectionError):
            return connection.recv(200), sent
    return b"", sent


@pytest.mark.parametrize("path", PATHS)
def test_a_body_of_1500_mb_is_refused_unread(web: Web, path: str) -> None:
    before = web.memory_mb()
    with client(web) as connection:
        connection.sendall(head(path, f"Content-Length: {LARGE}"))
        assert connection.recv(200).startswith(b"HTTP/1.1 413 ")
    _, sent = upload(web, head(path, f"Content-Length: {LARGE}"), b"a" * 65_536)
    print(f"{path}: {sent / 1e6:.1f} MB sent, RSS +{web.memory_mb() - before:.1f} MB")
    assert sent < 50_000_000  # what fits into the buffers of both ends
    assert web.memory_mb() - before < MOST_GROWTH_MB


@pytest.mark.parametrize("path", PATHS)
def test_a_body_of_endless_chunks_is_refused_while_it_arrives(web: Web, path: str) -> None:
    before = web.memory_mb()
    _, sent = upload(web, head(path, "Transfer-Encoding: chunked"), b"8000\r\n" + b"a" * 0x8000 + b"\r\n")
    assert sent < 50_000_000
    assert web.memory_mb() - before < MOST_GROWTH_MB


def test_a_body_a_little_too_large_gets_its_refusal(web: Web) -> None:
    begin = head("/accounts/login/", f"Content-Length: {limits.MAX_BODY_BYTES + 1}")
    with client(web) as connection:
        connection.sendall(begin + b"a" * (limits.MAX_BODY_BYTES + 1))
        assert connection.recv(200).startswith(b"HTTP/1.1 413 ")
        assert connection.recv(200) == b""


def test_half_requests_do_not_take_the_last_descriptor(start_web: Start) -> None:
    web = start_web("prlimit", f"--nofile={OPEN_FILES}")
    with contextlib.ExitStack() as stack:
        for number in range(HALF_REQUESTS):
            connection = stack.enter_context(client(web))
            connection.sendall(b"GET / HTTP/1.1\r\nHost: " if number % 2 else head("/", "Content-Length: 9"))
            if number % 50 == 0:
                assert answers(f"{web.url}/healthz"), f"at {number} connections"
        assert answers(f"{web.url}/healthz")
    assert web.process.is_running


@pytest.mark.parametrize(
    ("begin", "part"),
    [
        (b"GET / HTTP/1.1\r\n", b"X-A: b\r\n"),
        (b"GET /", b"a"),
        (head("/", "Content-Length: 9999"), b"a"),
        (head("/", "Transfer-Encoding: chunked"), b"1\r\na\r\n"),
    ],
    ids=["headers", "first line", "body", "chunks"],
)
def test_a_trickle_is_closed_however_often_a_byte_arrives(hasty: Web, begin: bytes, part: bytes) -> None:
    begun = time.monotonic()
    with client(hasty) as connection:
        connection.sendall(begin)
        connection.setblocking(False)

        def is_closed() -> bool:
            with contextlib.suppress(BlockingIOError):
                try:
                    connection.sendall(part)
                    return connection.recv(1000) == b""
                except ConnectionError:
                    return True
            return False

        wait_until(is_closed, 10 * HASTE_SECS, "the connection is closed")
    print(f"closed after {time.monotonic() - begun:.1f} s of {HASTE_SECS} s")
    assert answers(f"{hasty.url}/healthz")


async def test_a_socket_with_an_unfinished_message_is_closed(hasty: Web) -> None:
    async with connect(f"ws://{HOST}:{hasty.port}/ws/openai/", open_timeout=deadline()) as visitor:

        async def pieces() -> object:
            yield "a" * 100_000
            await asyncio.wait_for(visitor.wait_closed(), deadline())
            yield "a"

        with pytest.raises(ConnectionClosed):
            await visitor.send(pieces())  # type: ignore[arg-type]  # an async iterator of text
        assert visitor.close_code == 1008

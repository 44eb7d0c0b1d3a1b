"""Clients that send too much, or never finish: the web server refuses them and serves the others."""

import asyncio
import contextlib
import errno
import json
import re
import resource
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from chat.accounts.sign_in import MOST_PER_ADDRESS
from chat.protocol.errors import MOVING
from project.server import limits
from project.server.http import most_waiting
from project.up.ports import HOST
from tests.harness.stack import answers
from tests.harness.waiting import await_until, deadline, wait_until
from tests.security.conftest import HASTE_SECS, LARGE_FILE, Start, Web

PATHS = ("/healthz", "/accounts/login/", "/ws/responses/", "/static/none.js", "/nowhere")
LARGE = 1_500_000_000
PIPELINED = 60_000  # bytes of requests
NON_READERS = 10
MOST_GROWTH_MB = 20
OPEN_FILES, HALF_REQUESTS = 256, 400
STRANGERS = 300


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
    assert sent < 50_000_000  # the buffers of both ends
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


@pytest.mark.parametrize(("descriptors", "most"), [(256, 128), (resource.RLIM_INFINITY, limits.MAX_WAITING)])
def test_half_of_the_descriptors_may_wait(descriptors: int, most: int) -> None:
    assert most_waiting(descriptors) == most


def test_half_requests_do_not_take_the_last_descriptor(start_web: Start) -> None:
    web = start_web(sys.executable, "-m", "tests.security.short_of_files", str(OPEN_FILES))
    with contextlib.ExitStack() as stack:
        for number in range(HALF_REQUESTS):
            connection = stack.enter_context(client(web))
            connection.sendall(b"GET / HTTP/1.1\r\nHost: " if number % 2 else head("/", "Content-Length: 9"))
            if number % 50 == 0:
                assert answers(f"{web.url}/healthz"), f"at {number} connections"
        assert answers(f"{web.url}/healthz")
    assert web.process.is_running


@contextlib.contextmanager
def non_readers(web: Web, count: int, request: bytes) -> Iterator[list[socket.socket]]:
    """Clients with small buffers that send requests and read nothing, once the server has answered one."""
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(count):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(deadline())
            connection.connect((HOST, web.port))
            connection.sendall(request)
            connections.append(connection)
        for connection in connections:
            assert connection.recv(1, socket.MSG_PEEK)
        yield connections


def largest(static_files: Path) -> bytes:
    """A request of the largest static file."""
    file = max(static_files.rglob("*.js"), key=lambda path: path.stat().st_size)
    path = file.relative_to(static_files)
    return f"GET /static/{path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def test_pipelined_requests_wait_until_their_client_reads(start_web: Start, static_files: Path) -> None:
    web = start_web()
    request = largest(static_files)
    before, used = web.memory_mb(), web.cpu_secs()
    with non_readers(web, NON_READERS, request * (PIPELINED // len(request))):
        for _ in range(100):
            assert answers(f"{web.url}/healthz")  # time in which it would answer the others
        print(f"RSS +{web.memory_mb() - before:.0f} MB, {web.cpu_secs() - used:.1f} s of CPU")
        assert web.memory_mb() - before < MOST_GROWTH_MB
        assert web.process.stop() == 0
    assert "Traceback" not in web.process.output()


def test_pipelined_requests_are_all_answered_to_a_reader(web: Web, static_files: Path) -> None:
    request = largest(static_files)
    count = 100
    ends = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    statuses = 0
    with client(web) as connection:
        connection.sendall(request * count + ends)
        while part := connection.recv(1_000_000):
            statuses += part.count(b"HTTP/1.1 200")
    assert count - 5 <= statuses <= count + 1  # a few may lie in two parts


@pytest.mark.parametrize("field", ["", "\r\nConnection: close"])
def test_a_client_that_does_not_read_is_aborted(hasty: Web, field: str) -> None:
    request = f"GET /static/{LARGE_FILE} HTTP/1.1\r\nHost: {HOST}{field}\r\n\r\n".encode()
    with non_readers(hasty, 1, request) as (connection,):
        wait_until(lambda: is_reset(connection), 10 * HASTE_SECS, "the connection is reset")


def is_reset(connection: socket.socket) -> bool:
    return connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET


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


def health(web: Web) -> int:
    try:
        with urllib.request.urlopen(f"{web.url}/healthz") as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code


async def test_one_signal_moves_sockets_one_by_one_and_a_second_ends_the_process(
    start_web: Start,
) -> None:
    web = start_web(WEB_DRAIN_SECONDS="3600")
    address = f"ws://{HOST}:{web.port}/ws/openai/"
    async with connect(address) as first, connect(address) as second:
        web.process.popen.send_signal(signal.SIGTERM)
        assert json.loads(await asyncio.wait_for(first.recv(), deadline()))["type"] == "tailrace:moving"
        await asyncio.wait_for(first.wait_closed(), deadline())
        assert first.close_code == MOVING
        assert await asyncio.to_thread(health, web) == 503
        assert second.close_code is None
        web.process.popen.send_signal(signal.SIGTERM)
        await await_until(lambda: not web.process.is_running, 10, "it ends at once")
    assert web.process.popen.returncode == -signal.SIGTERM


def test_without_sockets_it_stops_at_once_despite_half_requests(start_web: Start) -> None:
    web = start_web(WEB_DRAIN_SECONDS="3600")
    with client(web) as half, client(web):  # the other has sent nothing
        half.sendall(b"GET / HTTP/1.1\r\n")
        assert answers(f"{web.url}/healthz")  # after them
        assert web.process.stop() == 0
    assert "Traceback" not in web.process.output()


def test_plain_daphne_works_and_warns_once(start_web: Start) -> None:
    web = start_web(module="daphne")
    assert answers(f"{web.url}/healthz")
    assert web.process.output().count("Plain Daphne") == 1


async def test_strangers_handshakes_are_refused_and_subscribe_to_nothing(web: Web, valkey_url: str) -> None:
    before = web.cpu_secs()

    async def knock(number: int) -> int:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"ws://{HOST}:{web.port}/ws/responses/", open_timeout=deadline()).__aenter__()
        return refused.value.response.status_code

    statuses = Counter(await asyncio.gather(*map(knock, range(STRANGERS))))
    print(f"{dict(statuses)}, {(web.cpu_secs() - before) / STRANGERS * 1000:.1f} ms of CPU each")
    assert statuses.keys() <= {403, 503}  # beyond those that may be open at once
    with redis.Redis.from_url(valkey_url) as client:
        assert client.pubsub_channels() == []


@pytest.mark.parametrize(
    ("path", "protocol", "status"), [("/x/ws/openai/", "\xe9", 400), ("/ws/openai/", "a", 404)]
)
def test_a_wrong_handshake_is_refused_without_a_traceback(
    rooted: Web, path: str, protocol: str, status: int
) -> None:
    fields = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13"
    fields += f"\r\nSec-WebSocket-Key: {'a' * 22}==\r\nSec-WebSocket-Protocol: {protocol}"
    reply = ask(rooted, f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{fields}")
    assert reply.startswith(f"HTTP/1.1 {status} ".encode())
    assert "Traceback" not in rooted.process.output()


def access_lines(web: Web, since: int) -> list[str]:
    return [line for line in web.process.output()[since:].splitlines() if " tailrace.access: " in line]


@pytest.mark.parametrize(("proxies", "shown"), [("0", HOST), ("1", "7.7.7.7")])
def test_a_forged_address_is_not_logged(start_web: Start, web: Web, proxies: str, shown: str) -> None:
    if proxies != "0":  # the default
        web = start_web(TAILRACE_PROXIES=proxies)
    before = len(web.process.output())
    forged = "1.1.1.1 - GET /admin/ 200\x1b[31m, 6.6.6.6, 7.7.7.7"
    path = f"/forged/{proxies}"  # no other test asks for it: their lines may come late
    ask(web, f"GET {path}?search=canary HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-For: {forged}")
    lines = wait_until(
        lambda: [line for line in access_lines(web, before) if f" GET {path} " in line], 10, "a line"
    )
    assert [f": {shown} GET {path} 404 " in line for line in lines] == [True]
    assert not [word for word in ("canary", "6.6.6.6", "\x1b") if word in web.process.output()[before:]]


@pytest.mark.parametrize("path", ["/x/healthz", "/x/admin/login/"])
def test_a_client_does_not_choose_the_path_of_the_site(web: Web, path: str) -> None:
    request = urllib.request.Request(f"{web.url}{path}", headers={"Daphne-Root-Path": "/x"})
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request)
    with refusal.value as reply:
        assert reply.code == 404


def test_a_bad_host_is_one_line(web: Web) -> None:
    before = len(web.process.output())
    assert ask(web, "GET /a HTTP/1.1\r\nHost: evil.example").startswith(b"HTTP/1.1 400 ")
    wait_until(lambda: " GET /a 400 " in web.process.output(), 10, "it is logged")
    lines = web.process.output()[before:].splitlines()
    assert sum("Invalid HTTP_HOST" in line for line in lines) == 1
    assert not [line for line in lines if not line.startswith("20")]  # each line begins with its date


FORM = "application/x-www-form-urlencoded"
BAD_FORMS = [(f"{FORM}; charset=utf-7", "a=b"), ("multipart/form-data", "a"), (FORM, "a&" * 1500)]


@pytest.mark.parametrize("path", ["/guest/", "/accounts/login/"])
@pytest.mark.parametrize(("kind", "body"), BAD_FORMS, ids=["charset", "no boundary", "fields"])
def test_a_form_that_cannot_be_read_is_a_400_of_one_line(web: Web, path: str, kind: str, body: str) -> None:
    before = len(web.process.output())
    token = "a" * 32
    request = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nCookie: tailrace_csrf={token}; csrftoken={token}"
    reply = ask(web, f"{request}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}", body)
    print(web.process.output()[before:])
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert not [line for line in web.process.output()[before:].splitlines() if not line.startswith("20")]


def test_a_long_path_is_cut_in_each_line(web: Web) -> None:
    before = len(web.process.output())
    ask(web, f"GET /{'a' * 15_000} HTTP/1.1\r\nHost: {HOST}")
    wait_until(lambda: " GET /aaaa" in web.process.output()[before:], 10, "it is logged")
    assert max(map(len, web.process.output()[before:].splitlines())) < 500


def ask(web: Web, request: str, body: str = "") -> bytes:
    with client(web) as connection:
        connection.sendall(f"{request}\r\nConnection: close\r\n\r\n{body}".encode("latin-1"))
        reply = b""
        while part := connection.recv(65_536):
            reply += part
    return reply


def test_a_flood_of_sign_ins_is_refused_before_passwords_are_checked(start_web: Start) -> None:
    web = start_web()
    page = ask(web, f"GET /accounts/login/ HTTP/1.1\r\nHost: {HOST}").decode()
    ((cookie, token),) = re.findall(r"(\w+_csrf)=(\w+)", page)
    before = web.cpu_secs()

    def attempt(number: int) -> bytes:
        name = "reader" if number % 2 else f"reader{number}"
        body = f"csrfmiddlewaretoken={token}&username={name}&password=wrong"
        request = f"POST /accounts/login/ HTTP/1.1\r\nHost: {HOST}\r\nCookie: {cookie}={token}\r\n"
        request += "Content-Type: application/x-www-form-urlencoded\r\n"
        return ask(web, f"{request}Content-Length: {len(body)}", body)

    def sign_in(number: int) -> int:
        reply = attempt(number)
        assert b"Retry-After: " in reply or reply.startswith(b"HTTP/1.1 200 ")
        return int(reply.split()[1])

    with ThreadPoolExecutor(16) as pool:
        statuses = Counter(pool.map(sign_in, range(60)))
    print(f"{dict(statuses)}, {web.cpu_secs() - before:.1f} s of CPU")
    assert statuses.keys() == {200, 429}
    assert statuses[200] <= MOST_PER_ADDRESS
    assert b"\r\n\r\nToo many attempts. Wait " in attempt(0)  # before Django
    assert ask(web, f"GET /accounts/login/ HTTP/1.1\r\nHost: {HOST}").startswith(b"HTTP/1.1 200 ")

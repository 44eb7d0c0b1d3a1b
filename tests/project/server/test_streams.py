"""Streams over HTTP at both servers, with real connections: slow clients, leaving ones, errors, the stop."""

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, IncompleteRead

import pytest

from tests.harness.processes import Process, free_port
from tests.harness.stack import answers
from tests.harness.waiting import wait_until
from tests.project.server.streaming import COUNT, KIB, line

LAST = b"\r\n0\r\n\r\n"
MOST_KIB = 12 * KIB  # that the system's buffers take, and the server


def received(client: socket.socket) -> bytes:
    """The end of what comes, to the last part or the end of the connection."""
    end = b""
    with suppress(ConnectionResetError):
        while not end.endswith(LAST) and (part := client.recv(KIB * KIB)):
            end = end[-KIB:] + part
    return end


@dataclass
class Server:
    """A running one."""

    process: Process
    port: int

    def start(self) -> None:
        self.process.start().wait_until(lambda: answers(f"http://127.0.0.1:{self.port}/"))

    def get(self, path: str) -> socket.socket:
        """A client that has asked, and reads nothing yet."""
        client = socket.create_connection(("127.0.0.1", self.port))
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        return client

    def seen(self, what: str) -> int:
        """A count of the application's."""
        with closing(HTTPConnection("127.0.0.1", self.port)) as client:
            client.request("GET", "/")
            return int(json.loads(client.getresponse().read()).get(what, 0))

    def count(self, what: str, before: int) -> None:
        """Wait until one more is counted."""
        wait_until(lambda: self.seen(what) > before, 10, f"one more is {what}")


@pytest.fixture(scope="module", params=["serve", "uvicorn"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    port = free_port()
    log = tmp_path_factory.mktemp("streams") / "server.log"
    module = ("tests.project.server.streaming", request.param, str(port))
    process = Process(log, [sys.executable, "-m", *module], os.environ | {"WEB_DRAIN_SECONDS": "1"})
    server = Server(process, port)
    server.start()
    try:
        yield server
    finally:
        process.kill()


def test_a_client_that_reads_has_every_byte(server: Server) -> None:
    with closing(HTTPConnection("127.0.0.1", server.port)) as client:
        client.request("GET", "/flood")
        reply = client.getresponse()
        assert all(reply.read(KIB).decode() == line(number) for number in range(COUNT))
        assert reply.read() == b""


def test_a_client_that_reads_late_has_every_byte_and_holds_up_little(server: Server) -> None:
    before, before_left = server.seen("paused"), server.seen("left")
    with closing(server.get("/flood")) as client:
        server.count("paused", before)
        assert server.seen("paused at") < MOST_KIB
        assert received(client).endswith(f"{COUNT - 1}\n".encode() + LAST)
    assert server.seen("left") == before_left


@pytest.mark.slow
def test_a_client_that_reads_nothing_is_given_up_and_let_go(server: Server) -> None:
    before = server.seen("left")
    with closing(server.get("/impatient")) as client:
        server.count("left", before)
        assert not received(client).endswith(LAST)


@pytest.mark.parametrize("path", ["/flood", "/wait"])
def test_leaving_is_heard_beside_the_work(server: Server, path: str) -> None:
    before = server.seen("left")
    with closing(server.get(path)) as client:
        client.recv(1)
    server.count("left", before)


def test_an_error_in_a_stream_ends_it_without_the_last_part_and_others_go_on(server: Server) -> None:
    for _ in range(2):
        with closing(HTTPConnection("127.0.0.1", server.port)) as client:
            client.request("GET", "/error")
            with pytest.raises((IncompleteRead, ConnectionResetError)):
                client.getresponse().read()


@pytest.mark.slow
def test_the_stop_ends_a_stream_without_the_last_part(server: Server) -> None:
    with closing(HTTPConnection("127.0.0.1", server.port)) as client:
        client.request("GET", "/wait")
        reply = client.getresponse()
        assert reply.read(KIB).decode() == line(0)
        server.process.popen.send_signal(signal.SIGTERM)
        with pytest.raises((IncompleteRead, ConnectionResetError)):
            reply.read()
    wait_until(lambda: not server.process.is_running, 10, "it has stopped")
    assert "without completing" not in server.process.output()
    server.start()

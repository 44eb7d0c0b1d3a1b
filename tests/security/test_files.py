"""Files on a web server as deployed: bounds of memory, and bytes in the storage alone."""

import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis

from chat.files.spool import MIB
from project.server import limits
from project.up.ports import HOST
from tests.chat.contents import large
from tests.harness.stack import answers
from tests.harness.waiting import deadline, wait_until
from tests.security.conftest import Start, Web
from tests.security.guest import Guest

CANARY = b"canary-of-an-upload"
UPLOADS, MOST_UPLOADED_MB = 30, 150  # 64 MiB of bodies, and memory that the process keeps for the next ones
READERS, MOST_UNREAD_MB = 60, 300  # the same of answers, and the files that threads have read


@pytest.fixture
def guest(web: Web) -> Guest:
    return Guest(web.url)


def directory_of(web: Web) -> Path:
    """The data directory, where the log is, too."""
    return web.process.log.parent


def test_the_largest_file_is_kept_and_returned_and_a_larger_one_refused(web: Web, guest: Guest) -> None:
    content = large(10 * MIB)
    reply = guest.upload(content)
    assert reply.status == 201
    file_id = reply.json["id"]
    assert guest.ask("GET", f"/files/{file_id}/").body == content
    refused = guest.upload(content + b"\x00")
    assert (refused.status, refused.json["error"]["code"]) == (413, "file_too_large")
    path = directory_of(web) / "files"
    assert path.stat().st_mode & 0o777 == 0o700


def test_files_are_uploaded_under_a_path_of_the_host(rooted: Web) -> None:
    guest = Guest(f"{rooted.url}/x")
    assert guest.upload(large(MIB)).status == 201


def test_a_visitor_without_a_session_uploads_nothing(web: Web) -> None:
    visitor = Guest(web.url, is_new=False)
    reply = visitor.upload(large(MIB))
    assert (reply.status, reply.json["error"]["code"]) == (401, "unauthenticated")


@pytest.fixture
def connections() -> Iterator[list[socket.socket]]:
    opened: list[socket.socket] = []
    yield opened
    for connection in opened:
        connection.close()


def is_ended(connection: socket.socket) -> bool:
    """Whether the server has replied, or closed the connection."""
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except ConnectionError:
        pass
    return True


def test_unfinished_uploads_take_bounded_memory(start_web: Start, connections: list[socket.socket]) -> None:
    web = start_web()
    before = web.memory_mb()
    head = f"POST /files/ HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {10 * MIB}\r\n\r\n".encode()
    for _ in range(UPLOADS):
        connection = socket.create_connection((HOST, web.port), timeout=deadline())
        connections.append(connection)
        with suppress(ConnectionError):
            connection.sendall(head + b"a" * (9 * MIB))
        connection.setblocking(False)
    most_kept = limits.UPLOADS_BYTES // (9 * MIB) + 1
    wait_until(lambda: sum(map(is_ended, connections)) >= UPLOADS - most_kept, 10, "the others are refused")
    print(f"{UPLOADS} x 9 MiB: RSS +{web.memory_mb() - before:.0f} MB")
    assert web.memory_mb() - before < MOST_UPLOADED_MB
    assert answers(f"{web.url}/healthz")


def test_unread_files_take_bounded_memory(start_web: Start, connections: list[socket.socket]) -> None:
    web = start_web()
    guest = Guest(web.url)
    file_id = guest.upload(large(10 * MIB)).json["id"]
    fields = "".join(f"{name}: {value}\r\n" for name, value in guest.headers("").items() if value)
    request = f"GET /files/{file_id}/ HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n".encode()
    before = web.memory_mb()
    for _ in range(READERS):
        connection = socket.socket()
        connections.append(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(deadline())
        connection.connect((HOST, web.port))
        connection.sendall(request)
        assert connection.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL) == b"HTTP/1.1 200"
    print(f"{READERS} x 10 MiB unread: RSS +{web.memory_mb() - before:.0f} MB")
    assert web.memory_mb() - before < MOST_UNREAD_MB
    assert answers(f"{web.url}/healthz")


def test_the_bytes_are_in_no_row_no_key_and_no_log(web: Web, guest: Guest, valkey_url: str) -> None:
    canaries = CANARY * 1_000
    content = large(10 * MIB - len(canaries)) + canaries
    reply = guest.upload(content)
    file_id = reply.json["id"]
    assert guest.upload(content + b"\x00").status == 413
    assert guest.ask("POST", "/files/", canaries + b"\x00").status == 415
    assert guest.ask("GET", f"/files/{file_id}/").body == content
    directory = directory_of(web)
    holders = [path for path in directory.rglob("*") if path.is_file() and CANARY in path.read_bytes()]
    assert [path.parent.parent.name for path in holders] == ["files"]
    with redis.Redis.from_url(valkey_url) as client:
        assert [key for key in client.scan_iter() if CANARY in (client.dump(key) or b"")] == []
    log = web.process.output()
    assert re.search(r"POST /files/ 201", log)
    assert "depths.png" not in log  # a name is a person's word, too

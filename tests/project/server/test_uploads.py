"""Uploads and large answers: each is bounded, and so is the memory that all of a process take."""

import json
from typing import Any

import pytest
from pytest_django import Settings

from chat.files.spool import FORM_BYTES, MIB
from project.server import limits
from project.server.server import BoundedServer
from tests.project.server.connections import Connection

PATH = "/files/"
LENGTH = 1_000


@pytest.fixture(autouse=True)
def _bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODIES", {PATH: LENGTH})
    monkeypatch.setattr(limits, "API_BODIES", {})
    monkeypatch.setattr(limits, "MAX_BODY_BYTES", 10)
    monkeypatch.setattr(limits, "UPLOADS_BYTES", 1_500)
    monkeypatch.setattr(limits, "UNREAD_BYTES", 1_500)


def post(size: int, path: str = PATH) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n".encode()


def begin(connection: Connection, size: int = LENGTH) -> Any:
    """Open a connection with an upload that lacks its last byte."""
    connection.open()
    connection.send(post(size), b"a" * (size - 1))
    return connection.channel


def trickle(connection: Connection, secs: int) -> None:
    """Send a byte each second."""
    for _ in range(secs):
        connection.clock.advance(1)
        connection.send(b"a")


@pytest.mark.parametrize("root", ["", "/x"])
def test_the_server_admits_the_configured_file_at_its_path_and_nowhere_else(
    settings: Settings, root: str
) -> None:
    settings.TAILRACE_FILE_MIB = 3
    BoundedServer(None, endpoints=["none"], root_path=root)
    path = f"{root}/files/".encode()
    for each in (path + b"?filename=a", f"{root}/v1/files".encode()):
        assert limits.body_limit(each) == 3 * MIB + FORM_BYTES
    for other in (b"/y" + path, path + b"x", path[:-1], b"/", b"/healthz"):
        assert limits.body_limit(other) == limits.MAX_BODY_BYTES


@pytest.mark.parametrize("root", ["", "/x"])
def test_the_api_admits_bodies_of_its_own_limit_below_its_path(settings: Settings, root: str) -> None:
    settings.TAILRACE_API_BODY_BYTES = 3 * MIB
    BoundedServer(None, endpoints=["none"], root_path=root)
    path = f"{root}/v1/responses".encode()
    assert limits.body_limit(path + b"?a=b") == 3 * MIB
    for other in (b"/y" + path, f"{root}/v1".encode(), f"{root}/v2/responses".encode()):
        assert limits.body_limit(other) == limits.MAX_BODY_BYTES


def test_a_programs_body_beyond_the_limit_is_refused_in_openais_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "API_BODIES", {limits.API_PREFIX: LENGTH})
    connection = Connection()
    connection.send(post(LENGTH + 1, "/v1/responses"))
    head, _, body = connection.transport.value().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert json.loads(body)["error"]["code"] == "request_too_large"
    assert f"Content-Length: {len(body)}".encode() in head


def test_an_upload_has_its_time() -> None:
    connection = Connection()
    connection.send(post(LENGTH))
    trickle(connection, limits.UPLOAD_SECS - 1)
    assert connection.status == ""
    connection.clock.advance(1)
    assert connection.status == "408"


def test_a_larger_upload_is_refused_from_its_header() -> None:
    connection = Connection()
    connection.send(post(LENGTH + 1))
    assert connection.status == "413"


def test_uploads_beyond_the_memory_of_all_are_refused_while_they_arrive() -> None:
    connection = Connection()
    begin(connection)
    begin(connection, 502)
    assert connection.status == ""
    connection.send(b"a")
    assert (connection.status, connection.received) == ("503", [])


def test_small_bodies_are_not_counted() -> None:
    connection = Connection()
    begin(connection)
    begin(connection, 500)
    connection.open()
    connection.send(post(10, "/"), b"a" * 10)
    assert connection.received == [b"a" * 10]


def test_a_body_of_the_api_that_is_as_small_as_a_form_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "API_BODIES", {limits.API_PREFIX: LENGTH})
    connection = Connection()
    begin(connection)
    begin(connection, 502)
    connection.open()
    connection.send(post(10, "/v1/responses"), b"a" * 10)
    assert connection.received == [b"a" * 10]
    connection.open()
    connection.send(post(11, "/v1/responses"), b"a" * 11)
    assert connection.status == "503"


def test_one_upload_alone_may_be_larger_than_that() -> None:
    limits.UPLOADS_BYTES = LENGTH - 1
    connection = Connection()
    begin(connection)
    connection.send(b"a")
    assert connection.received == [b"a" * LENGTH]


@pytest.mark.parametrize("end", ["answered", "released", "lost", "refused"])
def test_an_upload_counts_until_it_ends(end: str) -> None:
    connection = Connection()
    channel = begin(connection)
    if end == "answered":
        connection.send(b"a")
        connection.reply()
    elif end == "released":
        connection.send(b"a")
        request = channel.requests[0]
        request.release_body()
        assert request.content.getvalue() == b""
    elif end == "refused":
        connection.clock.advance(limits.IDLE_SECS - 1)
        channel.refuse(408)
        channel.connectionLost(None)
    else:
        channel.connectionLost(None)
    assert connection.factory.uploaded == 0
    begin(connection)
    connection.send(b"a")
    assert connection.received[-1] == b"a" * LENGTH


def unread(connection: Connection, size: int = LENGTH) -> Any:
    """Answer a request whose client does not read. Returns its transport."""
    transport = connection.open()
    connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    request = connection.channel.requests[0]
    request.handle_reply({"type": "http.response.start", "status": 200, "headers": []})
    connection.channel.pauseProducing()
    request.handle_reply({"type": "http.response.body", "body": b"a" * size})
    return transport


def test_of_too_many_unread_answers_the_oldest_is_aborted() -> None:
    connection = Connection()
    first, second = unread(connection), unread(connection, 500)
    assert not first.aborted
    third = unread(connection, 500)
    assert (first.aborted, second.aborted, third.aborted) == (True, False, False)


def test_one_unread_answer_may_be_larger_than_that() -> None:
    connection = Connection()
    assert not unread(connection, 10_000).aborted


def test_an_answer_that_was_read_is_not_counted() -> None:
    connection = Connection()
    first = unread(connection)
    connection.channel.resumeProducing()
    second, channel = unread(connection), connection.channel
    channel.connectionLost(None)
    third = unread(connection)
    assert not any(transport.aborted for transport in (first, second, third))
    assert list(connection.factory.unread.values()) == [LENGTH]

"""The access log: one line, no query, nothing forgeable."""

import logging
from typing import Any

import pytest

from project.server.access_log import AccessLog, OneLine

Message = dict[str, Any]


async def lines(
    caplog: pytest.LogCaptureFixture, sent: list[Message], path: str = "/a", **scope: Any
) -> list[str]:
    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        for message in sent:
            await send(message)

    async def send(message: Message) -> None:
        pass

    caplog.set_level(logging.INFO)
    whole = {"client": ["192.0.2.1", 1], "query_string": b"search=secret", "path": path, **scope}
    await AccessLog(application)(whole, send, send)  # type: ignore[arg-type]  # nothing is received
    return [record.getMessage() for record in caplog.records]


HTTP: list[Message] = [
    {"type": "http.response.start", "status": 200},
    {"type": "http.response.body", "body": b"abc", "more_body": True},
    {"type": "http.response.body", "body": b"de"},
]


async def test_a_request_is_a_line_without_its_query(caplog: pytest.LogCaptureFixture) -> None:
    (line,) = await lines(caplog, HTTP, "/conversations/", type="http", method="GET")
    assert line.startswith("192.0.2.1 GET /conversations/ 200 5 bytes ")


async def test_a_programs_request_is_named_as_its_client_sees_it(caplog: pytest.LogCaptureFixture) -> None:
    start = {"type": "http.response.start", "status": 401, "headers": [(b"x-request-id", b"req_1")]}
    (line,) = await lines(caplog, [start], "/v1/models", type="http", method="GET")
    assert line.endswith(" ms req_1")


async def test_a_path_cannot_forge_a_line_or_a_colour(caplog: pytest.LogCaptureFixture) -> None:
    (line,) = await lines(
        caplog, HTTP, "/a 200\n6.6.6.6 GET /admin\x1b[31m" + "x" * 9999, type="http", method="G\tT"
    )
    assert line.startswith("192.0.2.1 G%09T /a%20200%0A6.6.6.6%20GET%20/admin%1B%5B31m")
    assert len(line) < 300


async def test_a_request_without_a_reply_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    (line,) = await lines(caplog, [], type="http", method="GET")
    assert " 500 0 bytes " in line


async def test_a_socket_is_two_lines(caplog: pytest.LogCaptureFixture) -> None:
    assert await lines(caplog, [{"type": "websocket.accept"}], type="websocket") == [
        "192.0.2.1 WS /a 101",
        "192.0.2.1 WS /a closed after 0 s",
    ]


async def test_a_rejected_socket_is_one(caplog: pytest.LogCaptureFixture) -> None:
    (line,) = await lines(caplog, [{"type": "websocket.close"}], type="websocket", client=None)
    assert line.startswith("- WS /a 403 ")


async def test_a_probe_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert await lines(caplog, HTTP, "/healthz", type="http", method="GET") == []


def test_a_record_becomes_one_short_line() -> None:
    error = ValueError("x")
    arguments = ("a\n\x1b" + "x" * 9999,)
    record = logging.LogRecord(
        "n", logging.ERROR, "f", 1, "Invalid: %s", arguments, (ValueError, error, None)
    )
    assert OneLine().filter(record)
    text = logging.Formatter().format(record)
    assert text.startswith("Invalid: a\\n\\x1bxx")
    assert "\n" not in text
    assert len(text) < 400

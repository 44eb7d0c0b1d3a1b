"""The sockets: bad frames, idle sockets, the minimal page, and every supported server."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from chat.protocol.commands import MAX_FRAME_BYTES, MAX_INPUT_CHARS
from tests.harness.processes import Process, free_port
from tests.harness.socket_client import PROMPT, text_of, visiting
from tests.harness.stack import Stack, answers
from tests.harness.upstream import text_of as upstream_text
from tests.harness.waiting import deadline, patience

TOO_LONG = "a" * (MAX_INPUT_CHARS + 1)
IDLE_SECS = 60  # after which proxies close a socket; and longer than redis-py's 5 s


@pytest.mark.parametrize(
    ("frame", "status", "code", "param"),
    [
        ("{", 400, "invalid_json", None),
        ("[1]", 400, "invalid_json", None),
        (b"{}", 400, "binary_frame", None),
        ("{}", 400, "missing_field", "type"),
        ('{"type": "nonsense"}', 400, "unknown_type", "type"),
        ('{"type": "response.create"}', 400, "missing_field", "input"),
        ('{"type": "response.create", "input": ""}', 400, "empty_input", "input"),
        (
            json.dumps({"type": "response.create", "input": TOO_LONG}),
            400,
            "input_too_long",
            "input",
        ),
        ('{"type": "response.create", "input": "a", "model": "none"}', 404, "model_not_found", "model"),
        ('{"type": "response.create", "input": "a", "what": 1}', 400, "unknown_field", "what"),
        ('{"type": "tailrace:cancel", "response_id": "x"}', 400, "invalid_field", "response_id"),
        (
            '{"type": "tailrace:subscribe", "response_id": "01a20624-ffa7-7bb4-8268-328b34e7c987"}',
            404,
            "response_not_found",
            "response_id",
        ),
        ('{"type": "%s"}' % ("🌊" * (MAX_FRAME_BYTES // 4)), 413, "frame_too_large", None),
    ],
)
async def test_a_bad_frame_gets_an_error_event_and_the_socket_stays(
    stack: Stack, frame: str | bytes, status: int, code: str, param: str | None
) -> None:
    async with visiting(stack.url) as visitor:
        await visitor.send(frame)
        refusal = await visitor.next()
        assert (refusal["type"], refusal["status"]) == ("error", status)
        assert (refusal["error"]["code"], refusal["error"]["param"]) == (code, param)
        assert refusal["error"]["message"]
        assert (await visitor.answer())[-1]["type"] == "response.completed"


async def test_a_strangers_socket_is_refused(stack: Stack) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        async with connect(f"ws://127.0.0.1:{stack.web_port}/ws/responses/"):
            pass


async def test_a_page_whose_session_has_ended_gets_an_error_and_is_closed(stack: Stack) -> None:
    async with connect(f"ws://127.0.0.1:{stack.web_port}/ws/responses/?owner=1") as socket:
        refusal = json.loads(await socket.recv())
        assert (refusal["status"], refusal["error"]["code"]) == (401, "unauthenticated")
        await socket.wait_closed()
        assert socket.close_code == 4401


async def test_a_foreign_page_may_not_open_a_socket(stack: Stack) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        async with connect(
            f"ws://127.0.0.1:{stack.web_port}/ws/responses/", origin=Origin("https://evil.example")
        ):
            pass


async def test_an_idle_socket_still_lives_after_a_minute(stack: Stack) -> None:
    async with visiting(stack.url) as visitor, visiting(stack.url, path="/ws/openai/") as minimal:
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(IDLE_SECS):
                await visitor.socket.recv()
        assert time.monotonic() - begun >= IDLE_SECS
        assert (await visitor.answer())[-1]["type"] == "response.completed"
        await minimal.send({"message": PROMPT})
        assert json.loads(await minimal.socket.recv())["message"].startswith("w0")


@pytest.fixture(scope="module")
def runserver(stack: Stack) -> Iterator[str]:
    """The stack's page through `manage.py runserver`."""
    port = free_port()
    process = stack.start(
        "runserver", sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"
    )
    yield from _listening(process, port)


@pytest.fixture(scope="module")
def uvicorn(stack: Stack) -> Iterator[str]:
    """The stack's page through uvicorn."""
    port = free_port()
    process = stack.start(
        "uvicorn", sys.executable, "-m", "uvicorn", f"--port={port}", "project.asgi:application"
    )
    yield from _listening(process, port)


def _listening(process: Process, port: int) -> Iterator[str]:
    url = f"http://127.0.0.1:{port}"
    process.wait_until(lambda: answers(f"{url}/healthz"))
    yield url
    process.stop()


@pytest.mark.parametrize("server", ["stack", "runserver", "uvicorn"])
async def test_the_minimal_socket_counts_to_nine_twice_a_second(
    server: str, request: pytest.FixtureRequest, stack: Stack
) -> None:
    served = request.getfixturevalue(server)
    url = stack.url if isinstance(served, Stack) else served
    messages: list[dict[str, str]] = []
    times: list[float] = []
    async with connect(f"{url.replace('http', 'ws', 1)}/ws/openai/") as socket, asyncio.timeout(deadline()):
        begun = time.monotonic()
        await socket.send('{"message": "start"}')
        while len(messages) < 10:
            messages.append(json.loads(await socket.recv()))
            times.append(time.monotonic())
    assert messages == [{"message": f"Number {number}"} for number in range(10)]
    assert times[-1] - begun > 4.4  # not from the first number, which may be late
    assert times[-1] - times[0] < 8 * patience()


@pytest.mark.parametrize("server", ["runserver", "uvicorn"])
async def test_other_servers_serve_the_page_and_its_socket(
    server: str, request: pytest.FixtureRequest
) -> None:
    async with visiting(request.getfixturevalue(server)) as visitor:
        events = await visitor.answer()
    assert text_of(events) == upstream_text(PROMPT)


async def test_the_minimal_socket_streams_the_default_models_text(stack: Stack) -> None:
    async with visiting(stack.url, path="/ws/openai/") as visitor:
        await visitor.send({"message": PROMPT})
        text = ""
        while text != upstream_text(PROMPT):
            frame = json.loads(await visitor.socket.recv())
            assert frame.keys() == {"message"}
            text += frame["message"]


@pytest.mark.parametrize("frame", ["{", '{"message": ""}', "{}", '{"message": 3}'])
async def test_the_minimal_socket_survives_a_bad_frame(stack: Stack, frame: str) -> None:
    async with visiting(stack.url, path="/ws/openai/") as visitor:
        await visitor.send(frame)
        assert (await visitor.next())["error"]["code"]
        await visitor.send({"message": PROMPT})
        assert (await visitor.socket.recv(decode=True)).startswith('{"message"')

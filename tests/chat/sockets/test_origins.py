"""Origins: only pages of ours may open a socket from a browser."""

from typing import Any

import pytest
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable

from chat.sockets.origins import SocketOrigins
from tests.chat.communicator import FRAME_SECS, Socket

pytestmark = pytest.mark.usefixtures("layer")  # whoever is turned away had a channel for a moment


async def let_in(scope: Any, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Accept, and wait for the client to go."""
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    await receive()


async def opens(allowed: list[str], **headers: str) -> bool:
    socket = Socket(application=SocketOrigins(let_in, allowed), **headers)
    accepted, _ = await socket.connect(FRAME_SECS)
    if accepted:
        await socket.disconnect(timeout=FRAME_SECS)
    return bool(accepted)


@pytest.mark.parametrize(
    ("allowed", "origin", "may"),
    [
        ("https://chat.example", "https://chat.example", True),
        ("https://chat.example", "https://chat.example:443", True),
        ("https://chat.example", "http://chat.example", False),
        ("https://chat.example", "https://chat.example:8443", False),
        ("https://chat.example", "https://chat.example.evil.example", False),
        ("https://chat.example", "https://evil.example", False),
        ("https://chat.example", "null", False),
        ("http://localhost:8000", "http://localhost:8000", True),
        ("http://localhost:8000", "http://localhost:9000", False),
        ("localhost", "http://localhost:9000", True),
        ("localhost", "https://localhost.evil.example", False),
    ],
)
async def test_the_origin_of_the_page_decides(allowed: str, origin: str, may: bool) -> None:
    assert await opens([allowed], origin=origin) == may


async def test_any_of_the_allowed_origins_will_do() -> None:
    assert await opens(["https://a.example", "https://b.example"], origin="https://b.example")


async def test_without_an_allowed_origin_no_page_is_let_in() -> None:
    assert not await opens([], origin="https://chat.example")


async def test_what_is_no_browser_sends_no_origin_and_is_let_in() -> None:
    assert await opens(["https://chat.example"])

"""Origins: in a browser, only our own pages may open a socket."""

from typing import Any

import pytest
from asgiref.typing import ASGIReceiveCallable, ASGISendCallable

from chat.sockets.origins import SocketOrigins
from tests.chat.communicator import FRAME_SECS, Socket

# a refused socket has a channel for a moment, and closes old database connections
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("layer")]


async def accept(scope: Any, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Accept the socket, and wait until the client closes it."""
    await receive()
    await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
    await receive()


async def opens(allowed: list[str], **headers: str) -> bool:
    socket = Socket(application=SocketOrigins(accept, allowed), **headers)
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


async def test_every_allowed_origin_may_open_a_socket() -> None:
    assert await opens(["https://a.example", "https://b.example"], origin="https://b.example")


async def test_without_allowed_origins_no_page_may_open_a_socket() -> None:
    assert not await opens([], origin="https://chat.example")


async def test_a_client_without_an_origin_is_no_browser_and_is_accepted() -> None:
    assert await opens(["https://chat.example"])

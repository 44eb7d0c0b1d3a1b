"""The connection of a request can be closed, and its body dropped, behind the servers that are known."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from project.server.transports import Transports


class Server:
    """The parts of Daphne and uvicorn that are used."""

    def __init__(self) -> None:
        self.aborted = 0
        self.transport = SimpleNamespace(abort=self.note, abortConnection=self.note)  # Twisted's name
        self.channel = SimpleNamespace(transport=self.transport)
        self.released = 0

    def release_body(self) -> None:
        self.released += 1

    def note(self) -> None:
        self.aborted += 1

    async def send(self, message: Any) -> None:
        """Send as uvicorn does."""


async def handle_reply(request: Any, message: Any) -> None:
    """Send as Daphne does, by its request."""


async def abort(send: Any, do: str = "abort") -> None:
    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        scope[do]()

    await Transports(application)({"type": "http"}, None, send)  # type: ignore[arg-type]  # nothing is received


async def test_a_connection_of_daphne_is_aborted_unless_its_client_has_left() -> None:
    server = Server()
    await abort(partial(handle_reply, SimpleNamespace(channel=server.channel)))
    assert server.aborted == 1
    await abort(partial(handle_reply, SimpleNamespace(channel=None)))


async def test_a_connection_of_uvicorn_is_aborted() -> None:
    server = Server()
    await abort(server.send)
    assert server.aborted == 1


async def test_the_body_of_daphnes_request_is_dropped_unless_its_client_has_left() -> None:
    server = Server()
    await abort(partial(handle_reply, server), "release")
    assert server.released == 1
    server.channel = None  # type: ignore[assignment]  # as Daphne does
    await abort(partial(handle_reply, server), "release")
    assert server.released == 1


@pytest.mark.parametrize("do", ["abort", "release"])
@pytest.mark.parametrize("send", [handle_reply, partial(handle_reply, None), partial(handle_reply)])
async def test_behind_another_server_nothing_is_done(send: Any, do: str) -> None:
    await abort(send, do)

"""The end of a socket: its client has time to read why."""

import pytest

from chat.protocol.errors import MOVING, SIGNED_OUT
from project.server import limits
from project.server.websocket import BoundedSocket


@pytest.mark.parametrize("code", [MOVING, SIGNED_OUT])
@pytest.mark.parametrize(("before", "after"), [(1, limits.CLOSE_SECS), (10, 10)])
def test_a_client_has_time_to_read_the_code(
    monkeypatch: pytest.MonkeyPatch, code: int, before: float, after: float
) -> None:
    sent: list[int] = []
    socket = BoundedSocket()
    socket.closeHandshakeTimeout = before
    monkeypatch.setattr(socket, "sendCloseFrame", lambda code, **_: sent.append(code))
    monkeypatch.setattr(socket, "sendClose", lambda code, **_: sent.append(code))
    socket.serverClose(code)
    assert (sent, socket.closeHandshakeTimeout) == ([code], after)

"""The end of a socket: its client has time to read why; and the memory of what arrives."""

from types import SimpleNamespace

import pytest
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.task import Clock

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


class Arrival(BoundedSocket):
    """A socket without a network, whose message arrives in parts of any size."""

    def __init__(self, server: SimpleNamespace) -> None:
        super().__init__()
        self.factory = SimpleNamespace(server_class=server, reactor=Clock())
        self.transport = SimpleNamespace(abortConnection=self._abort)
        self.aborted = self.failedByMe = False
        self.websocket_version = 13
        self.frame_data: list[bytes] = []
        self.onMessageBegin(False)

    def _abort(self) -> None:
        self.aborted = True


def test_long_messages_that_arrive_at_once_have_a_room_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MESSAGES_BYTES", 1_000)
    monkeypatch.setattr(limits, "LONG_MESSAGE_BYTES", 100)
    monkeypatch.setattr(WebSocketProtocol, "onMessageEnd", lambda self: None)
    server = SimpleNamespace(arriving=0)
    first, second, short = Arrival(server), Arrival(server), Arrival(server)
    first.onMessageFrameData(b"a" * 900)
    short.onMessageFrameData(b"a" * 100)
    second.onMessageFrameData(b"a" * 100)
    assert (first.aborted, second.aborted, short.aborted) == (False, False, False)
    second.onMessageFrameData(b"a")
    assert (first.aborted, second.aborted, short.aborted) == (False, True, False)
    second._expect_nothing()  # the connection is lost
    first.onMessageEnd()
    assert server.arriving == 100
    first.onMessageBegin(False)
    first.onMessageFrameData(b"a" * 900)
    assert not first.aborted

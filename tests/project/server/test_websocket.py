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


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.setattr(limits, "MESSAGES_BYTES", 1_000)
    monkeypatch.setattr(limits, "LONG_MESSAGE_BYTES", 100)
    monkeypatch.setattr(WebSocketProtocol, "onMessageEnd", lambda self: None)
    return SimpleNamespace(arriving=0, long_messages={})


def aborted(*sockets: Arrival) -> list[bool]:
    return [socket.aborted for socket in sockets]


def test_the_oldest_incomplete_message_yields_to_a_new_one(server: SimpleNamespace) -> None:
    short, first, second, third = (Arrival(server) for _ in range(4))
    short.onMessageFrameData(b"a" * 100)
    first.onMessageFrameData(b"a" * 500)
    second.onMessageFrameData(b"a" * 400)
    assert aborted(short, first, second, third) == [False] * 4
    third.onMessageFrameData(b"a" * 500)
    assert aborted(short, first, second, third) == [False, True, False, False]
    assert server.arriving == 1_000
    third.onMessageFrameData(b"a")
    assert aborted(short, first, second, third) == [False, True, True, False]
    third.onMessageEnd()
    assert (server.arriving, list(server.long_messages)) == (100, [])


def test_a_complete_message_is_no_longer_the_oldest(server: SimpleNamespace) -> None:
    first, second, third = (Arrival(server) for _ in range(3))
    first.onMessageFrameData(b"a" * 200)
    second.onMessageFrameData(b"a" * 200)
    first.onMessageEnd()
    first.onMessageBegin(False)
    third.onMessageFrameData(b"a" * 900)
    assert aborted(first, second, third) == [False, True, False]


def test_a_message_that_is_too_long_alone_is_aborted(server: SimpleNamespace) -> None:
    only = Arrival(server)
    only.onMessageFrameData(b"a" * 1_001)
    assert only.aborted
    assert (server.arriving, only.frame_data) == (0, [])

"""A client that records every event of one response, and reconnects after every loss, as the page does."""

import asyncio
import json
import random
import re
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from chat.protocol.errors import MOVING
from tests.harness.processes import ROOT
from tests.harness.socket_client import TERMINAL, Event
from tests.harness.waiting import patience

SOCKET_JS = (ROOT / "chat/static/chat/server/socket.js").read_text()


def _page_secs(name: str) -> float:
    """Read a delay from the page's script, so that clients reconnect as pages do."""
    found = re.search(rf"^const {name} = ([\d_]+);", SOCKET_JS, re.MULTILINE)
    assert found is not None, f"socket.js has no {name}"
    return int(found[1]) / 1000


FIRST_DELAY_SECS, LONGEST_DELAY_SECS = map(_page_secs, ("FIRST_DELAY_MS", "LONGEST_DELAY_MS"))
STEADY_SECS, CONNECT_SECS = map(_page_secs, ("STEADY_MS", "CONNECT_MS"))
MOVING_SECS = _page_secs("MOVING_MS")
SILENT_SECS = 15  # without an event or a heartbeat for so long the socket is given up
RETRY_SECS = 1  # before a command that was refused as "busy" is sent again


class Question(NamedTuple):
    """A script of the upstream, and the model to ask."""

    script: str
    model: str = "scripted"


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """One event with a sequence number, the socket it came on (from 1) and when (Unix seconds)."""

    event: Event
    socket: int
    at: float

    @property
    def number(self) -> int:
        """Its sequence number."""
        return int(self.event["sequence_number"])


@dataclass(eq=False)
class RecordingClient:
    """One response and its reader. `received` records every event, also those that should not have come."""

    url: str
    session: str
    question: Question
    prompt: str = ""  # "": one that no other client has
    delay_factor: float = 1  # of the page's delays before a reconnect
    response_id: str | None = None
    last: int = -1  # the cursor: the highest number received, or that of a snapshot
    received: list[ReceivedEvent] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    sockets: list[float] = field(default_factory=list)  # when each attempt to connect began
    closes: list[tuple[int, str]] = field(default_factory=list)  # code and reason of each lost socket
    ended_at: float | None = None
    last_text_at: float = 0  # when the last delta came (Unix seconds); thousands of clients are asked often
    _socket: ClientConnection | None = None
    _cancels: bool = False

    def __post_init__(self) -> None:
        self.prompt = self.prompt or f"[{self.question.script}] {uuid.uuid4().hex}"

    @property
    def is_listening(self) -> bool:
        """Whether a socket is open, and has received an event."""
        has_received = bool(self.received) and self.received[-1].socket == len(self.sockets)
        return self._socket is not None and has_received

    @property
    def deltas(self) -> list[ReceivedEvent]:
        """The deltas of text, of all attempts."""
        return [each for each in self.received if each.event["type"] == "response.output_text.delta"]

    @property
    def final(self) -> Event:
        """The response object of the terminal event."""
        assert self.ended_at is not None, "the answer has not ended"
        response: Event = self.received[-1].event["response"]
        return response

    async def read(self) -> None:
        """Create the response, unless it is known, and read to its end, over as many sockets as necessary."""
        failures = 0
        while self.ended_at is None:
            began, lost = time.monotonic(), len(self.closes)
            with suppress(OSError, WebSocketException, TimeoutError):
                await self._use_a_socket()
            if self.ended_at is None:
                failures = 0 if time.monotonic() - began > STEADY_SECS else failures + 1
                bound = min(LONGEST_DELAY_SECS, FIRST_DELAY_SECS * 2**failures)
                if len(self.closes) > lost and self.closes[-1][0] == MOVING:
                    bound = MOVING_SECS
                await asyncio.sleep(random.random() * bound * self.delay_factor)

    def hang_up(self) -> None:
        """Drop the socket without a close frame; the client reconnects."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def cancel(self) -> None:
        """Cancel the response; on the next socket this is sent again."""
        self._cancels = True
        if self._socket is not None:
            with suppress(WebSocketException):
                await self._send_cancel(self._socket)

    async def _use_a_socket(self) -> None:
        self.sockets.append(time.time())
        address = self.url.replace("http", "ws", 1) + "/ws/responses/"
        async with connect(
            address,
            additional_headers={"Cookie": self.session},
            max_queue=None,
            max_size=None,
            open_timeout=CONNECT_SECS * patience(),
            ping_timeout=None,
            close_timeout=1,
            compression=None,
        ) as self._socket:
            try:
                await self._send_command(self._socket)
                while self.ended_at is None:
                    async with asyncio.timeout(SILENT_SECS * patience()):
                        event: Event = json.loads(await self._socket.recv())
                    await self._process(event, self._socket)
            finally:
                self.closes.append((self._socket.close_code or 0, self._socket.close_reason or ""))
                self._socket = None

    async def _send_command(self, socket: ClientConnection) -> None:
        if self.response_id is None:
            model = self.question.model
            command: dict[str, Any] = {"type": "response.create", "model": model, "input": self.prompt}
            command["tailrace"] = {"client_request_id": self.prompt}  # the same request, however often
        else:
            command = {"type": "tailrace:subscribe", "response_id": self.response_id}
            command["starting_after"] = self.last
        await socket.send(json.dumps(command))
        if self._cancels:
            await self._send_cancel(socket)

    async def _send_cancel(self, socket: ClientConnection) -> None:
        if self.response_id is not None:
            await socket.send(json.dumps({"type": "tailrace:cancel", "response_id": self.response_id}))

    async def _process(self, event: Event, socket: ClientConnection) -> None:
        if event["type"] == "error":
            self.refusals.append(event["error"]["code"])
            await asyncio.sleep(RETRY_SECS)
            if not self.is_listening:  # otherwise only a cancel was refused
                await self._send_command(socket)
            elif self._cancels:
                await self._send_cancel(socket)
        elif "sequence_number" in event:
            self._record(event)
            if self._cancels and len(self.received) == 1:
                await self._send_cancel(socket)

    def _record(self, event: Event) -> None:
        now = time.time()
        self.received.append(ReceivedEvent(event, len(self.sockets), now))
        self.response_id = self.response_id or event.get("response", {}).get("id")
        is_snapshot = event["type"] == "tailrace:snapshot"
        self.last = event["sequence_number"] if is_snapshot else max(self.last, event["sequence_number"])
        if event["type"] == "response.output_text.delta":
            self.last_text_at = now
        if event["type"] in TERMINAL or (is_snapshot and _has_ended(event["response"])):
            self.ended_at = now


def _has_ended(response: Event) -> bool:
    return response["status"] not in ("queued", "in_progress")

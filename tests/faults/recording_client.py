"""A reader who keeps every event of one response, and comes back after every loss, as the page does."""

import asyncio
import json
import random
import re
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.harness.socket_client import TERMINAL, Event
from tests.harness.upstream.client import ROOT

SOCKET_JS = (ROOT / "chat/static/chat/server/socket.js").read_text()


def _secs_of_the_page(name: str) -> float:
    """A wait of the page's own, so that the crowd of a test is as patient as a crowd of pages."""
    found = re.search(rf"^const {name} = ([\d_]+);", SOCKET_JS, re.MULTILINE)
    assert found is not None, f"socket.js has no {name}"
    return int(found[1]) / 1000


FIRST_DELAY_SECS, LONGEST_DELAY_SECS = map(_secs_of_the_page, ("FIRST_DELAY_MS", "LONGEST_DELAY_MS"))
STEADY_SECS, CONNECT_SECS = map(_secs_of_the_page, ("STEADY_MS", "CONNECT_MS"))
SILENT_SECS = 15  # as long as a spinner may turn without a heartbeat; then this socket is given up
AGAIN_SECS = 1  # before a command that was refused as "busy" is sent again


@dataclass(frozen=True, slots=True)
class Heard:
    """One event with a sequence number: what it was, on which socket (from 1) and when (Unix seconds)."""

    event: Event
    socket: int
    at: float

    @property
    def number(self) -> int:
        """Its sequence number."""
        return int(self.event["sequence_number"])


@dataclass(eq=False)
class Witness:
    """One response and its reader. `heard` keeps every event, also those that should not have come."""

    url: str
    session: str
    model: str
    prompt: str = field(default_factory=lambda: f"prompt-{uuid.uuid4().hex}")
    haste: float = 1  # the waits before it comes back, as a share of the page's
    response_id: str | None = None
    last: int = -1  # the cursor: the highest number that was heard, or that a snapshot told
    heard: list[Heard] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    sockets: list[float] = field(default_factory=list)  # when each attempt to connect began
    closes: list[tuple[int, str]] = field(default_factory=list)  # code and reason of each lost socket
    ended_at: float | None = None
    _socket: ClientConnection | None = None
    _cancels: bool = False

    @property
    def is_listening(self) -> bool:
        """Whether a socket is open, and has begun to speak."""
        return self._socket is not None and bool(self.heard) and self.heard[-1].socket == len(self.sockets)

    @property
    def final(self) -> Event:
        """The response object of the terminal event."""
        assert self.ended_at is not None, "the answer has not ended"
        response: Event = self.heard[-1].event["response"]
        return response

    async def read(self) -> None:
        """Ask, unless the response is known, and read to its end, over as many sockets as it takes."""
        failures = 0
        while self.ended_at is None:
            began = time.monotonic()
            with suppress(OSError, WebSocketException, TimeoutError):
                await self._use_a_socket()
            if self.ended_at is None:
                failures = 0 if time.monotonic() - began > STEADY_SECS else failures + 1
                bound = min(LONGEST_DELAY_SECS, FIRST_DELAY_SECS * 2**failures)
                await asyncio.sleep(random.random() * bound * self.haste)

    def hang_up(self) -> None:
        """Lose the socket, without a word to the server; the reader comes back."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def cancel(self) -> None:
        """Press Stop; a stop that a lost socket swallowed is sent again by the next one."""
        self._cancels = True
        if self._socket is not None:
            with suppress(WebSocketException):
                await self._say_cancel(self._socket)

    async def _use_a_socket(self) -> None:
        self.sockets.append(time.time())
        address = self.url.replace("http", "ws", 1) + "/ws/responses/"
        async with connect(
            address,
            additional_headers={"Cookie": self.session},
            max_queue=None,
            max_size=None,
            open_timeout=CONNECT_SECS,
            close_timeout=1,
            compression=None,
        ) as self._socket:
            try:
                await self._say_what_we_want(self._socket)
                while self.ended_at is None:
                    async with asyncio.timeout(SILENT_SECS):
                        event: Event = json.loads(await self._socket.recv())
                    await self._take(event, self._socket)
            finally:
                socket, self._socket = self._socket, None
        self.closes.append((socket.close_code or 0, socket.close_reason or ""))

    async def _say_what_we_want(self, socket: ClientConnection) -> None:
        if self.response_id is None:
            command: dict[str, Any] = {"type": "response.create", "model": self.model, "input": self.prompt}
            command["tailrace"] = {"client_request_id": self.prompt}  # the same ask, however often
        else:
            command = {"type": "tailrace:subscribe", "response_id": self.response_id}
            command["starting_after"] = self.last
        await socket.send(json.dumps(command))
        if self._cancels:
            await self._say_cancel(socket)

    async def _say_cancel(self, socket: ClientConnection) -> None:
        if self.response_id is not None:
            await socket.send(json.dumps({"type": "tailrace:cancel", "response_id": self.response_id}))

    async def _take(self, event: Event, socket: ClientConnection) -> None:
        if event["type"] == "error":
            self.refusals.append(event["error"]["code"])
            await asyncio.sleep(AGAIN_SECS)
            if not self.is_listening:  # else only a stop was refused, and events are on their way
                await self._say_what_we_want(socket)
            elif self._cancels:
                await self._say_cancel(socket)
        elif "sequence_number" in event:
            self._keep(event)
            if self._cancels and len(self.heard) == 1:
                await self._say_cancel(socket)

    def _keep(self, event: Event) -> None:
        now = time.time()
        self.heard.append(Heard(event, len(self.sockets), now))
        self.response_id = self.response_id or event.get("response", {}).get("id")
        is_snapshot = event["type"] == "tailrace:snapshot"
        self.last = event["sequence_number"] if is_snapshot else max(self.last, event["sequence_number"])
        if event["type"] in TERMINAL or (is_snapshot and _has_ended(event["response"])):
            self.ended_at = now


def _has_ended(response: Event) -> bool:
    return response["status"] not in ("queued", "in_progress")

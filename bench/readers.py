"""The load's readers, each a separate visitor or program: over a socket, or by server-sent events."""

import re
import time
from collections.abc import AsyncIterator
from typing import Protocol

import aiohttp

from bench.dialects import Dialect, Received

TOKEN = re.compile(r'name="csrf-token" content="(\w+)"')
LINE_BYTES = 1024 * 1024  # of an event: the last one has the whole text
DATA = b"data: "
DONE = b"[DONE]"  # the data after the last event

Moment = tuple[float, Received]  # when a frame was there, and what it says


class Reader(Protocol):
    """Asks, and reads one answer after the other."""

    def ask(self, prompt: str) -> AsyncIterator[Moment]:
        """Yield the frames of the answer, to its end."""

    async def close(self) -> None:
        """Close the connection."""


async def open_reader(dialect: Dialect, base: str, key: str) -> Reader:
    """Open a reader. `key`: of a program; empty for a visitor."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    session = aiohttp.ClientSession(
        base,
        cookie_jar=aiohttp.CookieJar(unsafe=True),  # accepts cookies of an IP address
        headers=headers,
        read_bufsize=LINE_BYTES,
        timeout=aiohttp.ClientTimeout(total=None),
    )
    if dialect.needs_session:
        async with session.get("/") as page:
            page.raise_for_status()
            token = TOKEN.findall(await page.text())[0]
        async with session.post("/guest/", headers={"X-CSRFToken": token}) as guest:
            guest.raise_for_status()
    if dialect.over_http:
        return EventsReader(session, dialect)
    return SocketReader(session, dialect, await session.ws_connect(dialect.path, max_msg_size=0))


class SocketReader:
    """Reads over one socket."""

    def __init__(
        self, session: aiohttp.ClientSession, dialect: Dialect, socket: aiohttp.ClientWebSocketResponse
    ) -> None:
        self._session, self._dialect, self._socket = session, dialect, socket

    async def ask(self, prompt: str) -> AsyncIterator[Moment]:
        """Send a frame, and read up to the last one."""
        await self._socket.send_str(self._dialect.ask(prompt))
        async for frame in self._socket:
            now = time.monotonic()
            received = self._dialect.parse(frame.data)
            yield now, received
            if received[1]:
                return

    async def close(self) -> None:
        """Close the socket."""
        await self._socket.close()
        await self._session.close()


class EventsReader:
    """Reads over one kept connection; each answer is a request."""

    def __init__(self, session: aiohttp.ClientSession, dialect: Dialect) -> None:
        self._session, self._dialect = session, dialect

    async def ask(self, prompt: str) -> AsyncIterator[Moment]:
        """Send a request, and read its body to the end."""
        body, headers = self._dialect.ask(prompt), {"Content-Type": "application/json"}
        async with self._session.post(self._dialect.path, data=body, headers=headers) as reply:
            reply.raise_for_status()
            async for line in reply.content:
                now = time.monotonic()
                if line.startswith(DATA) and not line.startswith(DONE, len(DATA)):
                    yield now, self._dialect.parse(line[len(DATA) :].decode())

    async def close(self) -> None:
        """Close the connection."""
        await self._session.close()

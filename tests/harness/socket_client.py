"""A visitor without a browser: gets the page's cookie, opens the socket, asks and listens."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from websockets.asyncio.client import ClientConnection, connect

LISTEN_SECS = 30  # more than any answer of the tests takes
TERMINAL = ("response.completed", "response.incomplete", "response.failed")

ASIDE = ("tailrace:heartbeat", "tailrace:queue", "tailrace:conversation")  # they may come at any moment

Event = dict[str, Any]


async def cookie(url: str) -> str:
    """The Cookie header that the first visit of the page gives."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(url) as page:
            assert page.status == 200
        return "; ".join(f"{item.key}={item.value}" for item in session.cookie_jar)


@dataclass
class Visitor:
    """One open socket."""

    socket: ClientConnection

    async def send(self, command: Event | str | bytes) -> None:
        """Send a command, or any frame."""
        await self.socket.send(json.dumps(command) if isinstance(command, dict) else command)

    async def create(self, model: str | None = None, prompt: str = "Say hello", **fields: Any) -> None:
        """Ask."""
        choice = {"model": model} if model else {}
        await self.send({"type": "response.create", "input": prompt, **choice, **fields})

    async def next(self) -> Event:
        """The next event that is not ASIDE."""
        async with asyncio.timeout(LISTEN_SECS):
            while True:
                event: Event = json.loads(await self.socket.recv())
                if event["type"] not in ASIDE:
                    return event

    async def news(self) -> Event:
        """The next thing that the owner is told of a conversation."""
        async with asyncio.timeout(LISTEN_SECS):
            while True:
                event: Event = json.loads(await self.socket.recv())
                if event["type"] == "tailrace:conversation":
                    return event

    async def until(self, *types: str) -> list[Event]:
        """The events up to the first of one of these types."""
        events = [await self.next()]
        while events[-1]["type"] not in types:
            events.append(await self.next())
        return events

    async def answer(self, model: str | None = None, prompt: str = "Say hello", **fields: Any) -> list[Event]:
        """Ask, and the events to the end of the answer."""
        await self.create(model, prompt, **fields)
        return await self.until(*TERMINAL)


@asynccontextmanager
async def visiting(
    url: str, session: str | None = None, path: str = "/ws/responses/"
) -> AsyncIterator[Visitor]:
    """Open a socket with the page's session cookie."""
    header = {"Cookie": await cookie(url) if session is None else session}
    async with connect(
        url.replace("http", "ws", 1) + path, additional_headers=header, max_queue=None
    ) as socket:
        yield Visitor(socket)


def text_of(events: list[Event]) -> str:
    """The deltas, joined."""
    return "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")

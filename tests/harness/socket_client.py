"""A client of the socket without a browser: gets the page's cookie, opens the socket, asks and reads."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from websockets.asyncio.client import ClientConnection, connect

from tests.harness.waiting import deadline

PROMPT = "[words-30@60] Say hello"
LISTEN_SECS = 60  # more than any answer of the tests takes
TERMINAL = ("response.completed", "response.incomplete", "response.failed")

ASIDE = ("tailrace:heartbeat", "tailrace:queue", "tailrace:conversation")  # they may arrive at any moment

Event = dict[str, Any]


TOKEN = re.compile(r'name="csrf-token" content="(\w+)"')


async def become_guest(session: aiohttp.ClientSession, url: str) -> None:
    """Make a guest as the page does with the first message."""
    async with session.get(url) as page:
        assert page.status == 200
        token = TOKEN.search(await page.text())
    assert token is not None
    async with session.post(f"{url.rstrip('/')}/guest/", headers={"X-CSRFToken": token[1]}) as reply:
        assert reply.status == 200


async def cookie(url: str) -> str:
    """Return the Cookie header of a new guest."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        await become_guest(session, url)
        return "; ".join(f"{item.key}={item.value}" for item in session.cookie_jar)


@dataclass
class Visitor:
    """One open socket."""

    socket: ClientConnection

    async def send(self, command: Event | str | bytes) -> None:
        """Send a command, or any frame."""
        await self.socket.send(json.dumps(command) if isinstance(command, dict) else command)

    async def create(self, prompt: str = PROMPT, model: str | None = None, **fields: Any) -> None:
        """Send `response.create`."""
        choice = {"model": model} if model else {}
        await self.send({"type": "response.create", "input": prompt, **choice, **fields})

    async def next(self) -> Event:
        """Return the next event that is not ASIDE."""
        return await self._first(lambda kind: kind not in ASIDE)

    async def conversation_change(self) -> Event:
        """Return the next `tailrace:conversation`."""
        return await self._first(lambda kind: kind == "tailrace:conversation")

    async def _first(self, is_wanted: Callable[[str], bool]) -> Event:
        async with asyncio.timeout(deadline(LISTEN_SECS)):
            while True:
                event: Event = json.loads(await self.socket.recv())
                if is_wanted(event["type"]):
                    return event

    async def until(self, *types: str) -> list[Event]:
        """Return the events up to the first of one of these types."""
        events = [await self.next()]
        while events[-1]["type"] not in types:
            events.append(await self.next())
        return events

    async def answer(self, prompt: str = PROMPT, model: str | None = None, **fields: Any) -> list[Event]:
        """Ask, and return the events to the end of the answer, or to an error."""
        await self.create(prompt, model, **fields)
        return await self.until(*TERMINAL, "error")


@asynccontextmanager
async def visiting(
    url: str, session: str | None = None, path: str = "/ws/responses/"
) -> AsyncIterator[Visitor]:
    """Open a socket with the page's session cookie."""
    header = {"Cookie": await cookie(url) if session is None else session}
    address = url.replace("http", "ws", 1) + path
    async with connect(
        address, additional_headers=header, max_queue=None, open_timeout=deadline(), ping_timeout=None
    ) as socket:
        yield Visitor(socket)


def text_of(events: list[Event]) -> str:
    """Return the joined deltas of text, and of a refusal."""
    kinds = "response.output_text.delta", "response.refusal.delta"
    return "".join(event["delta"] for event in events if event["type"] in kinds)

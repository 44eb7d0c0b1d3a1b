"""One guest that asks as fast as it can, over several sockets."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from websockets.exceptions import ConnectionClosed

from tests.harness.socket_client import Visitor, cookie, visiting


@dataclass
class Flood:
    """The replies to the questions of one guest."""

    visitors: list[Visitor]
    accepted: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    without_retry: int = 0
    closed: int = 0

    async def ask(self, prompt: str, each: int) -> None:
        """Ask `each` times on every socket without waiting for a reply; return when each has one."""
        await asyncio.gather(*(self._ask(visitor, prompt, each) for visitor in self.visitors))

    async def _ask(self, visitor: Visitor, prompt: str, count: int) -> None:
        try:
            await asyncio.gather(self._send(visitor, prompt, count), self._listen(visitor, count))
        except ConnectionClosed:
            self.closed += 1

    async def _send(self, visitor: Visitor, prompt: str, count: int) -> None:
        for number in range(count):
            await visitor.create(f"{prompt} {number}")

    async def _listen(self, visitor: Visitor, count: int) -> None:
        while count:
            event = await visitor.next()
            if event["type"] == "error":
                self.refused[event["error"]["code"]] += 1
                self.without_retry += "retry_after" not in event
            elif event["type"] == "response.created":
                self.accepted.append(event["response"]["id"])
            else:
                continue
            count -= 1


@asynccontextmanager
async def flooding(url: str, sockets: int) -> AsyncIterator[Flood]:
    """Open the sockets of one guest; at the end stop its answers."""
    session = await cookie(url)
    async with AsyncExitStack() as stack:
        visitors = [await stack.enter_async_context(visiting(url, session)) for _ in range(sockets)]
        flood = Flood(visitors)
        yield flood
    async with visiting(url, session) as visitor:
        for response_id in flood.accepted:
            await visitor.send({"type": "tailrace:cancel", "response_id": response_id})
        await visitor.send({"type": "tailrace:cancel", "response_id": flood.accepted[0][::-1]})
        await visitor.until("error")

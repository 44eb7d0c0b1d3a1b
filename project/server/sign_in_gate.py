"""Refuse the sign-ins of a network that floods, before Django: a refusal there costs ten times as much.

Refusals are counted in the process: a flood of a process is the load of a process. Each waits before it is
sent, which costs nothing and slows a client that sends the next attempt after it.
"""

import asyncio
import math
from typing import Any

from chat.accounts.sign_in import MOST_REFUSALS, network_of, refused
from chat.streaming.backpressure import Application, Receive, Send

PATH_END = "/login/"  # of both pages
DELAY_SECS = 1
MOST_DELAYED = 500  # at once; others are sent without delay


class SignInGate:
    """Answer POSTs of such a network with 429 and `Retry-After`, in plain text."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._delayed = 0

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        secs = _secs_to_wait(scope) if scope["method"] == "POST" else 0
        if not secs:
            await self._application(scope, receive, send)
            return
        text = f"Too many attempts. Wait {secs} seconds, then try again.\n".encode()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(text)).encode()),
            (b"retry-after", str(secs).encode()),
            (b"cache-control", b"no-store"),
        ]
        await self._delay()
        await send({"type": "http.response.start", "status": 429, "headers": headers})
        await send({"type": "http.response.body", "body": text})

    async def _delay(self) -> None:
        if self._delayed < MOST_DELAYED:
            self._delayed += 1
            try:
                await asyncio.sleep(DELAY_SECS)
            finally:
                self._delayed -= 1


def _secs_to_wait(scope: dict[str, Any]) -> int:
    """Whole seconds until the network may sign in again; 0: it may, or this is no sign-in."""
    if not scope["path"].endswith(PATH_END):
        return 0
    host, _ = scope.get("client") or ("", 0)
    found = refused.get(network_of(host or ""))
    return math.ceil(found.secs_left) if found.value > MOST_REFUSALS else 0

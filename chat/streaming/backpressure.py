"""Back-pressure: whether a client can receive more."""

from collections.abc import Awaitable, Callable
from typing import Any

from chat.protocol.errors import MOVING
from chat.protocol.frames import moving

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class ClientConnection:
    """A client whose server waits in `send`: never paused."""

    paused = False  # send nothing that can wait
    is_closed = False  # by us
    is_plain = False  # its client knows OpenAI's events alone

    def __init__(self, send: Send) -> None:
        self._send = send
        self.on_resume: Callable[[], None] = lambda: None
        self.stop_reading: Callable[[float], None] = lambda secs: None  # where the server allows it

    async def send_text(self, text: str) -> None:
        """Send one frame."""
        await self._send({"type": "websocket.send", "text": text})

    async def close(self, code: int) -> None:
        """Close the socket; the application sends no more."""
        self.is_closed = True
        await self._send({"type": "websocket.close", "code": code})

    async def move(self) -> None:
        """Send the client to another web process: this one stops."""
        if not self.is_plain:
            await self.send_text(moving())
        await self.close(MOVING)

"""Stop of a web process: sockets and streams end one after the other, so that clients do not return together.

`/healthz` says so first; a proxy then chooses other processes.
"""

import asyncio
from contextlib import suppress
from itertools import islice

from chat.streaming.backpressure import ClientConnection


class Draining:
    """The open sockets and streams of a process, and whether it stops."""

    def __init__(self) -> None:
        self.has_begun = False
        self.is_over = False  # no socket is accepted
        self._open: dict[ClientConnection, None] = {}  # the oldest first

    async def add(self, connection: ClientConnection) -> None:
        """Move this client in its turn; at once if the last turn is over: its handshake took long."""
        self._open[connection] = None
        if self.is_over:
            await self._move(connection)

    def remove(self, connection: ClientConnection) -> None:
        """Forget a client that has left. Idempotent."""
        self._open.pop(connection, None)

    async def run(self, secs: float) -> None:
        """Move all clients evenly over `secs`, also those that came meanwhile.

        A busy process wakes late and moves as many as are due: the rest would all return at the end.
        """
        self.has_begun = True
        loop = asyncio.get_running_loop()
        now = loop.time()
        woke, end = now, now + secs
        while self._open and now < end:
            due = max(1, round(len(self._open) * (now - woke) / (end - woke)))
            for connection in list(islice(self._open, due)):
                await self._move(connection)
            woke = now
            await asyncio.sleep((end - loop.time()) / (len(self._open) + 1))
            now = loop.time()
        self.is_over = True
        for connection in list(self._open):
            await self._move(connection)

    async def _move(self, connection: ClientConnection) -> None:
        self.remove(connection)
        with suppress(OSError, RuntimeError):  # closed meanwhile
            await connection.move()


draining = Draining()

"""A way to Valkey that counts round trips, loses replies, and may be long."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from project.up.ports import HOST

READ_BYTES = 65_536


@dataclass
class Talk:
    """One connection: whose turn it is, and whether the next reply is lost."""

    asked: bool = False
    loses: bool = False


class Relay:
    """Passes on what clients and the server say; a client that is answered in turn has made a round trip."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._needle: bytes | None = None
        self._clients: set[StreamWriter] = set()
        self._connections: set[asyncio.Task[None]] = set()
        self.url = ""
        self.round_trips = 0
        self.lost_replies = 0
        self.way_secs = 0.0  # that each reply needs

    @classmethod
    @asynccontextmanager
    async def to(cls, target: str) -> AsyncIterator[Self]:
        """Listen until the block ends."""
        relay = cls(target)
        server = await asyncio.start_server(relay._accept, HOST)
        relay.url = f"redis://{HOST}:{server.sockets[0].getsockname()[1]}{relay._target.path}"
        try:
            yield relay
        finally:
            server.close()
            for writer in relay._clients:
                writer.close()
            await asyncio.gather(*relay._connections)

    def lose_reply_to(self, needle: bytes) -> None:
        """Break the connection instead of passing on the reply to the next request with `needle` in it."""
        self._needle = needle

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        self._clients.add(writer)
        theirs, ours = await asyncio.open_connection(self._target.hostname, self._target.port)
        talk = Talk()
        ways = [
            asyncio.create_task(self._forth(reader, ours, talk)),
            asyncio.create_task(self._back(theirs, writer, talk)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.wait(ways)
        writer.close()
        ours.close()
        self._clients.discard(writer)
        self._connections.discard(task)

    async def _forth(self, reader: StreamReader, writer: StreamWriter, talk: Talk) -> None:
        while data := await reader.read(READ_BYTES):
            if self._needle is not None and self._needle in data:
                self._needle, talk.loses = None, True
            talk.asked = True
            writer.write(data)

    async def _back(self, reader: StreamReader, writer: StreamWriter, talk: Talk) -> None:
        while data := await reader.read(READ_BYTES):
            if talk.loses:
                self.lost_replies += 1
                return
            self.round_trips += talk.asked
            talk.asked = False
            await asyncio.sleep(self.way_secs)
            writer.write(data)

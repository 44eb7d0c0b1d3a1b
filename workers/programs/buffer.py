"""The values since the last reading of a program, as one chunk: small pieces cost little."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace

from chat.protocol.pieces import CallPart, Part, Piece, joined, part_text
from workers.programs.translation import Translator
from workers.programs.values import Value
from workers.providers.base import Chunk, ProviderError

MAX_VALUES = 4096  # a program that is faster than its reader waits
MAX_CHARS = 65_536  # the same: a chunk becomes an event, and a frame of a socket
MAX_PART_CHARS = 16_384  # a larger value is split
TURN_SECS = 0.01  # a program that does not wait lets the event loop run so often


class Buffer:
    """One answer between a program and its reader."""

    def __init__(self) -> None:
        self.translator = Translator()
        self.error: ProviderError | None = None
        self._chunk, self._count, self._chars = Chunk(), 0, 0
        self._ended = False
        self._turn_at = time.monotonic() + TURN_SECS
        self._filled, self._has_room = asyncio.Event(), asyncio.Event()
        self._has_room.set()

    async def put(self, value: Value) -> None:
        """Add a value; wait while the buffer is full. Raises NotAValueError."""
        new = Chunk()
        self.translator.add(value, new)
        self._chunk.usage = new.usage or self._chunk.usage
        self._count += 1
        for part in _split(new.parts):
            await self._add(part)
        self._filled.set()
        await self._wait()

    async def _add(self, part: Part) -> None:
        await self._has_room.wait()
        self._chunk.parts.append(part)
        self._chars += len(part_text(part))
        self._filled.set()
        if self._chars >= MAX_CHARS:
            self._has_room.clear()

    async def _wait(self) -> None:
        if self._count >= MAX_VALUES:
            self._has_room.clear()
        await self._has_room.wait()  # returns at once if it is set
        if time.monotonic() > self._turn_at:
            await asyncio.sleep(0)
            self._turn_at = time.monotonic() + TURN_SECS

    def end(self, error: ProviderError | None = None) -> None:
        """Nothing follows; `error`: why not. The first end counts."""
        if not self._ended:
            self._ended, self.error = True, error
            self._filled.set()

    async def take(self) -> Chunk | None:
        """Wait for values, and take them; None after the last. Raises the ProviderError that ended it."""
        await self._filled.wait()
        chunk = replace(self._chunk, parts=list(joined(self._chunk.parts)))
        self._chunk, self._count, self._chars = Chunk(), 0, 0
        self._has_room.set()
        if not self._ended:
            self._filled.clear()
        elif chunk == Chunk():
            if self.error is not None:
                raise self.error
            return None
        return chunk


def _split(parts: list[Part]) -> Iterator[Part]:
    for part in parts:
        if isinstance(part, Piece):
            yield from (replace(part, text=text) for text in _slices(part.text))
        elif not isinstance(part, CallPart):
            yield part  # of a server, which bounds it
        else:
            first, *others = _slices(part.arguments)
            yield replace(part, arguments=first)
            yield from (CallPart(part.index, arguments=more) for more in others)


def _slices(text: str) -> list[str]:
    return [text[at : at + MAX_PART_CHARS] for at in range(0, len(text), MAX_PART_CHARS)] or [text]

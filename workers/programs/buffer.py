"""The values since the last reading of a program, as one chunk: small pieces cost little."""

import asyncio

from workers.programs.translation import Translator
from workers.programs.values import Value
from workers.providers.base import Chunk, ProviderError

MAX_VALUES = 4096  # a program that is faster than its reader waits


class Buffer:
    """One answer between a program and its reader."""

    def __init__(self) -> None:
        self.translator = Translator()
        self.error: ProviderError | None = None
        self._chunk, self._count = Chunk(), 0
        self._ended = False
        self._filled, self._has_room = asyncio.Event(), asyncio.Event()
        self._has_room.set()

    async def put(self, value: Value) -> None:
        """Add a value; wait while the buffer is full. Raises NotAValueError."""
        self.translator.add(value, self._chunk)
        self._count += 1
        self._filled.set()
        if self._count >= MAX_VALUES:
            self._has_room.clear()
        await self._has_room.wait()

    def end(self, error: ProviderError | None = None) -> None:
        """Nothing follows; `error`: why not. The first end counts."""
        if not self._ended:
            self._ended, self.error = True, error
            self._filled.set()

    async def take(self) -> Chunk | None:
        """Wait for values, and take them; None after the last. Raises the ProviderError that ended it."""
        await self._filled.wait()
        chunk, self._chunk, self._count = self._chunk, Chunk(), 0
        self._has_room.set()
        if not self._ended:
            self._filled.clear()
        elif chunk == Chunk():
            if self.error is not None:
                raise self.error
            return None
        return chunk

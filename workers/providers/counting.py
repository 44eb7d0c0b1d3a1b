"""The demo model: counts, without a network."""

import asyncio
from collections.abc import AsyncGenerator

from workers.providers.base import Chunk

NUMBERS = 10
STEP_SECS = 0.5


async def count() -> AsyncGenerator[Chunk, None]:
    """Yield "Number 0" to "Number 9", every 0.5 s."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for number in range(NUMBERS):
        await asyncio.sleep(begin + number * STEP_SECS - loop.time())
        yield Chunk.of(text=f"Number {number}\n" if number < NUMBERS - 1 else f"Number {number}")
    yield Chunk(finish="stop")

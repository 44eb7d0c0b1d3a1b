"""The demo model: counts, without a network."""

import asyncio
from collections.abc import AsyncGenerator

from workers.programs.ask import Ask

NUMBERS = 10
STEP_SECS = 0.5


async def count(_: Ask) -> AsyncGenerator[str, None]:
    """Yield "Number 0" to "Number 9", every 0.5 s."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for number in range(NUMBERS):
        await asyncio.sleep(begin + number * STEP_SECS - loop.time())
        yield f"Number {number}\n" if number < NUMBERS - 1 else f"Number {number}"

"""Many readers at once: begin them, wait until all are in the middle of their answer, see them to the end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import pairwise

from tests.faults.checker import Findings, check
from tests.faults.harness import Rig
from tests.faults.recording_client import Witness
from tests.harness.socket_client import cookie
from tests.harness.waiting import await_until

BEGIN_SECS = 30


@asynccontextmanager
async def crowd(rig: Rig, models: Sequence[str], haste: float = 1) -> AsyncIterator[list[Witness]]:
    """One reader for each model's name, each in the middle of its answer."""
    session = await cookie(rig.stack.url)
    witnesses = [Witness(rig.stack.url, session, model, haste=haste) for model in models]
    readings = [asyncio.create_task(witness.read()) for witness in witnesses]

    async def all_begun() -> bool:
        return all(words_of(witness) for witness in witnesses)

    try:
        await await_until(all_begun, BEGIN_SECS, "every answer has begun")
        yield witnesses
    finally:
        for reading in readings:
            reading.cancel()
        await asyncio.gather(*readings, return_exceptions=True)


def words_of(witness: Witness) -> int:
    """How many words the reader has heard, of all attempts."""
    deltas = [h.event["delta"] for h in witness.heard if h.event["type"] == "response.output_text.delta"]
    return len("".join(deltas).split())


def all_ended(witnesses: Sequence[Witness]) -> Callable[[], Awaitable[bool]]:
    """The condition that every reader has seen the end."""

    async def ended() -> bool:
        return all(witness.ended_at for witness in witnesses)

    return ended


def hears_on(witnesses: Sequence[Witness], since: float) -> Callable[[], Awaitable[bool]]:
    """The condition that every reader has heard a piece of text since that moment (Unix seconds)."""

    async def heard() -> bool:
        texts = [
            [h.at for h in w.heard if h.event["type"] == "response.output_text.delta"] for w in witnesses
        ]
        return all(at and at[-1] > since for at in texts)

    return heard


def longest_pause(witness: Witness) -> float:
    """The longest time between two pieces of text, in seconds."""
    at = [heard.at for heard in witness.heard if heard.event["type"] == "response.output_text.delta"]
    return max(later - earlier for earlier, later in pairwise(at))


async def all_end(rig: Rig, witnesses: Sequence[Witness], secs: float) -> Findings:
    """See every reader to its end, or until the time is over, and compare everything."""
    with suppress(AssertionError):  # the findings say who is stuck
        await await_until(all_ended(witnesses), secs, "every answer has ended")
    return await asyncio.to_thread(check, rig.stack, witnesses)

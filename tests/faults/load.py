"""Many clients at once: start them, wait until all are in the middle of an answer, read all to the end."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import cycle, pairwise

from tests.faults.checker import Findings, check
from tests.faults.harness import Harness
from tests.faults.recording_client import Question, RecordingClient
from tests.harness.socket_client import cookie
from tests.harness.stack import Stack
from tests.harness.waiting import await_until, end_tasks

BEGIN_SECS = 30


@asynccontextmanager
async def load(
    harness: Harness, questions: Sequence[Question], delay_factor: float = 1, visitors: int = 1
) -> AsyncIterator[list[RecordingClient]]:
    """Start one client for each question, and wait until each is in the middle of its answer."""
    url = harness.stack.url
    sessions = cycle([await cookie(url) for _ in range(visitors)])
    clients = [RecordingClient(url, next(sessions), each, delay_factor=delay_factor) for each in questions]
    readings = [asyncio.create_task(client.read()) for client in clients]
    try:
        await await_until(lambda: all(map(words_of, clients)), BEGIN_SECS, "every answer has begun")
        yield clients
    finally:
        await end_tasks(readings)


def words_of(client: RecordingClient) -> int:
    """Return how many words the client has received, of all attempts."""
    return len("".join(each.event["delta"] for each in client.deltas).split())


def all_ended(clients: Sequence[RecordingClient]) -> Callable[[], bool]:
    """Return the condition that every client has received the end."""
    return lambda: all(client.ended_at for client in clients)


def release(stack: Stack, clients: Sequence[RecordingClient]) -> None:
    """Let the upstream end the answers that it holds: the fault has hit all of them."""
    for client in clients:
        stack.upstream.release(client.prompt)


def receives_text_since(clients: Sequence[RecordingClient], since: float) -> Callable[[], bool]:
    """Return the condition that every client has received text since that moment (Unix seconds)."""
    return lambda: all(client.last_text_at > since for client in clients)


def longest_pause(client: RecordingClient) -> float:
    """Return the longest time between two deltas, in seconds."""
    return max(later.at - earlier.at for earlier, later in pairwise(client.deltas))


async def all_end(stack: Stack, clients: Sequence[RecordingClient], secs: float) -> Findings:
    """Wait until every client has ended, or until the time is over, and check everything."""
    with suppress(AssertionError):  # the findings name the stuck ones
        await await_until(all_ended(clients), secs, "every answer has ended")
    return await asyncio.to_thread(check, stack, clients)

"""The web server dies under many sockets: answers continue, clients reconnect spread out and miss nothing."""

import asyncio
import signal
import time
from collections.abc import Callable

import pytest

from tests.faults.harness import Harness
from tests.faults.load import all_end, load
from tests.faults.recording_client import Question, RecordingClient
from tests.harness.waiting import await_until, end_tasks

LONG = Question("words-1000@1")  # longer than the test: it is cancelled when all are back
MANY, FEW = 500, 50  # clients
ANSWERS = 20
VISITORS = 4  # each may follow 200 responses
END_SECS = 90
TRIES, SECS_PER_TRY = 4, 3  # of each client at most, on average: the delays grow to ten seconds


def others_of(asked: list[RecordingClient], count: int) -> list[RecordingClient]:
    """Return more clients of the same responses, with the same session, as other tabs."""
    some = [asked[number % len(asked)] for number in range(count)]
    return [RecordingClient(w.url, w.session, w.question, w.prompt, response_id=w.response_id) for w in some]


@pytest.mark.parametrize(("how", "count"), [(signal.SIGKILL, MANY), (signal.SIGTERM, FEW)])
async def test_all_clients_reconnect_and_miss_nothing(
    harness: Harness, how: signal.Signals, count: int
) -> None:
    async with load(harness, [LONG] * ANSWERS, visitors=VISITORS) as asked:
        everyone = [*asked, *others_of(asked, count - ANSWERS)]
        readings = [asyncio.create_task(other.read()) for other in everyone[ANSWERS:]]
        await await_until(_all_listen(everyone, 0), END_SECS, "every reader listens")
        died_at = time.time()
        await asyncio.to_thread(harness.stack.processes["web"].stop, how)
        cursors = [client.last for client in everyone]
        await asyncio.to_thread(harness.start_web)
        await await_until(_all_listen(everyone, died_at), END_SECS, "every reader is back")
        assert all(w.last > cursor for w, cursor in zip(everyone, cursors, strict=True)), "answers went on"
        for client in asked:
            await client.cancel()
        findings = await all_end(harness.stack, everyone, END_SECS)
        await end_tasks(readings)
    findings.require(cancelled=count)
    tries = [at - died_at for client in everyone for at in client.sockets if at > died_at]
    assert len(tries) <= count * (TRIES + max(tries) / SECS_PER_TRY)


def _all_listen(clients: list[RecordingClient], since: float) -> Callable[[], bool]:
    """Return the condition that each client has a socket opened since then that has received an event."""
    return lambda: all(w.is_listening and w.sockets[-1] > since for w in clients)

"""Cancel in every phase: notifications end it on screen and at the upstream, and exactly one end."""

import asyncio
import base64
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from tests.faults.checker import check
from tests.faults.harness import WITHOUT_FALLBACKS, Harness, start_harness
from tests.faults.load import all_ended, load, words_of
from tests.faults.recording_client import Question, RecordingClient
from tests.harness.socket_client import cookie
from tests.harness.upstream.record import Record
from tests.harness.waiting import await_until, deadline, patience

STREAMING = Question("words-400@20")
STALLED = Question("stall-after-5@50")
STALLED_FIRST = Question("stall-first")
NO_REPLY = Question("no-reply")
QUEUED = Question("words-30@20")
LAST_WORD = 20  # of a race
RACE_RATE = 40  # words per second, on an idle machine
RACES = 24

Condition = Callable[[], bool]


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """One worker, which a test can kill; only notifications stop an answer."""
    with start_harness(tmp_path_factory.mktemp("cancel"), workers=1, **WITHOUT_FALLBACKS) as parts:
        yield parts


def requests_of(harness: Harness, client: RecordingClient) -> list[Record]:
    """Return what the upstream was asked for this client's response."""
    return harness.stack.upstream.requests(client.prompt)


async def begun(harness: Harness, question: Question) -> tuple[RecordingClient, asyncio.Task[None]]:
    """Start a client, and wait until the upstream is asked."""
    client = RecordingClient(harness.stack.url, await cookie(harness.stack.url), question)
    reading = asyncio.create_task(client.read())
    await await_until(lambda: bool(requests_of(harness, client)), 10, "the upstream is asked")
    return client, reading


async def assert_stopped(harness: Harness, client: RecordingClient) -> None:
    """Check that it ended as cancelled, everywhere."""
    findings = await asyncio.to_thread(check, harness.stack, [client])
    findings.require(cancelled=1)
    request = await asyncio.to_thread(harness.stack.upstream.wait_for_end, client.prompt)
    assert request.aborted


@pytest.mark.parametrize(
    "question", [NO_REPLY, STALLED_FIRST, STREAMING, STALLED], ids=lambda question: question.script
)
async def test_cancel_in_every_phase_of_the_upstream(harness: Harness, question: Question) -> None:
    client, reading = await begun(harness, question)
    await client.cancel()
    await asyncio.wait_for(reading, deadline())
    await assert_stopped(harness, client)


async def test_cancel_after_a_reload_from_another_socket(harness: Harness) -> None:
    client, reading = await begun(harness, STREAMING)
    reloaded = RecordingClient(
        client.url, client.session, STREAMING, client.prompt, response_id=client.response_id
    )
    again = asyncio.create_task(reloaded.read())
    await await_until(lambda: reloaded.is_listening, 5, "the reloaded page has the answer")
    client.hang_up()
    await reloaded.cancel()
    await asyncio.wait_for(again, deadline())
    await asyncio.wait_for(reading, deadline())
    await assert_stopped(harness, reloaded)


async def test_cancel_in_the_same_instant_as_the_end_has_one_winner(harness: Harness) -> None:
    """Each is cancelled around its last word, some before and some after it."""
    brief = Question(f"words-{LAST_WORD}@{RACE_RATE / patience():.3f}")  # half a second
    async with load(harness, [brief] * RACES) as clients:

        async def cancel(client: RecordingClient, words: int) -> None:
            received = _has_received(client, words) if words <= LAST_WORD else all_ended([client])
            await await_until(received, 10, "so many words, or the end")
            await client.cancel()

        await asyncio.gather(*(cancel(client, 10 + number % 12) for number, client in enumerate(clients)))
        await await_until(all_ended(clients), 10, "all have ended")
    findings = await asyncio.to_thread(check, harness.stack, clients)
    assert not findings.counts, findings.table()
    assert findings.statuses["completed"] + findings.statuses["cancelled"] == RACES
    assert len(findings.statuses) == 2, "no race was near the end"


@pytest.mark.parametrize("terminate", [False, True], ids=["Revoke", "Terminate"])
async def test_flower_cancels_a_running_response(harness: Harness, terminate: bool) -> None:
    flower = await asyncio.to_thread(harness.stack.start_flower, "--basic-auth=user:secret")
    client, reading = await begun(harness, STREAMING)
    await await_until(lambda: client.is_listening, 5, "the answer has begun")
    request = urllib.request.Request(
        f"{flower}/api/task/revoke/{client.response_id}",
        data=b"terminate=true" if terminate else b"",
        headers={"Authorization": "Basic " + base64.b64encode(b"user:secret").decode()},
    )
    with await asyncio.to_thread(urllib.request.urlopen, request) as reply:
        assert reply.status == 200
    await asyncio.wait_for(reading, deadline())
    await assert_stopped(harness, client)
    await asyncio.to_thread(harness.stack.processes["flower"].stop)
    assert harness.stack.processes[harness.workers[0]].is_running


async def test_cancel_while_its_worker_is_dead_is_final(harness: Harness) -> None:
    client, reading = await begun(harness, STREAMING)
    await await_until(lambda: client.is_listening, 5, "the answer has begun")
    await asyncio.to_thread(harness.kill_worker, harness.workers[0])
    await client.cancel()
    await asyncio.wait_for(reading, deadline())
    await asyncio.to_thread(harness.wait_for_worker, harness.start_worker())
    await assert_stopped(harness, client)


async def test_cancel_in_the_queue_is_final(harness: Harness) -> None:
    assert await asyncio.to_thread(harness.stop_worker, harness.workers[0]) == 0
    client = RecordingClient(harness.stack.url, await cookie(harness.stack.url), QUEUED)
    reading = asyncio.create_task(client.read())
    await await_until(lambda: client.is_listening, 5, "it waits in the queue")
    await client.cancel()
    await asyncio.wait_for(reading, deadline())
    await asyncio.to_thread(harness.wait_for_worker, harness.start_worker())
    await await_until(_is_skipped(harness, client), 10, "the worker has skipped the message")
    findings = await asyncio.to_thread(check, harness.stack, [client])
    findings.require(cancelled=1)
    assert not requests_of(harness, client)


def _has_received(client: RecordingClient, words: int) -> Condition:
    return lambda: words_of(client) >= words or client.ended_at is not None


def _is_skipped(harness: Harness, client: RecordingClient) -> Condition:
    def skipped() -> bool:
        lines = harness.stack.processes[harness.workers[0]].output().splitlines()
        return any(str(client.response_id) in line and "'status': 'skipped'" in line for line in lines)

    return skipped

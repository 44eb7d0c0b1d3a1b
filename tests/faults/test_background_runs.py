"""A model's server of the Responses API keeps the run: no lost worker breaks the text or asks twice."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from chat.transport.redis_keys import prefixed
from tests.faults.harness import Harness, start_harness
from tests.harness.socket_client import TERMINAL, Event, Visitor, text_of, visiting
from tests.harness.stack import Stack
from tests.harness.upstream import Record
from tests.harness.upstream import text_of as upstream_text
from tests.harness.waiting import wait_until, within

MODEL = "scripted-background"
KILLED = "[reasoning-5+words-300@20] killed"
FORGOTTEN = "[words-120@20] forgotten"
HANDED_OVER = "[words-120@20] handed over"
STOPPED = "[words-400@20] stopped"
LEFT = "[words-2000@20] left"


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Three workers, of which a test can kill two."""
    with start_harness(tmp_path_factory.mktemp("runs"), workers=3, DRAIN_SECONDS="1") as parts:
        yield parts


async def begin(visitor: Visitor, prompt: str) -> tuple[str, list[Event]]:
    """Ask, and wait for some words."""
    await visitor.create(prompt, MODEL)
    events = await visitor.until("response.output_text.delta")
    while len(text_of(events).split()) < 5:
        events.append(await visitor.next())
    return events[0]["response"]["id"], events


def kinds(own: Stack, prompt: str) -> list[str]:
    return [record.kind for record in own.upstream.requests(prompt)]


def run_of(own: Stack, prompt: str) -> Record:
    """The only run of a prompt."""
    (run,) = [record for record in own.upstream.requests(prompt) if record.kind == "create"]
    return run


def assert_forgotten(own: Stack) -> None:
    """Check that no run is left in Redis."""
    wait_until(lambda: not own.redis("EXISTS", prefixed("runs")), 10, "no run is left")


async def test_the_answer_of_a_killed_worker_goes_on_in_its_run(harness: Harness, own: Stack) -> None:
    async with visiting(own.url) as visitor:
        response_id, events = await begin(visitor, KILLED)
        harness.kill_holder(response_id)
        killed_at = time.monotonic()
        with within(20):  # a heartbeat expires after 6 s
            events += await visitor.until("tailrace:continued")
            events += await visitor.until("response.output_text.delta")
        print(f"the text went on {time.monotonic() - killed_at:.1f} s after the kill")  # noqa: T201
        events += await visitor.until(*TERMINAL)
    numbers = [event["sequence_number"] for event in events if "sequence_number" in event]
    assert numbers == list(range(len(numbers)))
    assert text_of(events) == upstream_text(KILLED)
    assert not [event for event in events if event["type"] == "tailrace:restarted"]
    row = own.settled(response_id)
    assert (row["status"], row["output"], row["attempt"]) == ("completed", upstream_text(KILLED), 2)
    assert row["reasoning"] == "r0 r1 r2 r3 r4"
    assert kinds(own, KILLED) == ["create", "retrieve", "attach"]
    assert_forgotten(own)


async def test_a_run_that_the_server_forgot_is_asked_again(harness: Harness, own: Stack) -> None:
    async with visiting(own.url) as visitor:
        response_id, events = await begin(visitor, FORGOTTEN)
        own.upstream.forget_runs(FORGOTTEN)
        harness.kill_holder(response_id)
        events += await visitor.until("tailrace:restarted")
        after = await visitor.until(*TERMINAL)
    assert text_of(after) == upstream_text(FORGOTTEN)
    assert own.settled(response_id)["output"] == upstream_text(FORGOTTEN)
    assert kinds(own, FORGOTTEN).count("create") == 2


async def test_a_worker_that_stops_hands_its_run_over(harness: Harness, own: Stack) -> None:
    async with visiting(own.url) as visitor:
        response_id, events = await begin(visitor, HANDED_OVER)
        stopping = asyncio.create_task(asyncio.to_thread(harness.stop_worker, own.holder(response_id)))
        events += await visitor.until(*TERMINAL)
        assert await stopping == 0
    assert text_of(events) == upstream_text(HANDED_OVER)
    assert kinds(own, HANDED_OVER) == ["create", "retrieve", "attach"]
    assert own.settled(response_id)["losses"] == 0


async def test_stop_cancels_the_run(own: Stack) -> None:
    async with visiting(own.url) as visitor:
        response_id, _ = await begin(visitor, STOPPED)
        await visitor.send({"type": "tailrace:cancel", "response_id": response_id})
        last = (await visitor.until(*TERMINAL))[-1]
    assert last["response"]["status"] == "cancelled"
    wait_until(lambda: run_of(own, STOPPED).aborted, 5, "the run is cancelled")
    assert_forgotten(own)


async def test_stop_cancels_the_run_of_a_lost_worker(harness: Harness, own: Stack) -> None:
    async with visiting(own.url) as visitor:
        response_id, _ = await begin(visitor, LEFT)
        await asyncio.to_thread(harness.kill_holder, response_id)
        await visitor.send({"type": "tailrace:cancel", "response_id": response_id})
        last = (await visitor.until(*TERMINAL))[-1]
    assert last["response"]["status"] == "cancelled"
    wait_until(lambda: run_of(own, LEFT).aborted, 20, "another worker cancels the run")
    assert kinds(own, LEFT) == ["create", "cancel"]
    assert_forgotten(own)

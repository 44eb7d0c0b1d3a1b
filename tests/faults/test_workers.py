"""Workers that die, freeze, stop or are told to forget a job: the answer goes on, or ends with a code."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.browserless import TERMINAL, Event, Visitor, text_of, visiting
from tests.stack import Process, Stack, running
from tests.upstream.behaviour import text_of as upstream_text
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

KILLED = "words-120@20:killed"
CONTINUED = "words-120@20:continued"
POISON = "words-120@20:poison"
FROZEN = "words-400@20:frozen"  # it still speaks when the zombie wakes up
DRAINED = "words-200@20:drained"
BRIEF = "words-30@15:brief"
REVOKED = "words-200@20:revoked"
WORDS = upstream_text("words-120")


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Tailrace of our own with one worker: a second is started when the test wants it."""
    models = [KILLED, CONTINUED, POISON, FROZEN, DRAINED, BRIEF, REVOKED]
    with running(tmp_path_factory.mktemp("faults"), models, workers=1, DRAIN_SECONDS="3") as parts:
        yield parts


def kill(process: Process) -> None:
    """Take a process away as the kernel does when memory is short."""
    process.popen.kill()
    process.popen.wait()


def assert_whole(events: list[Event]) -> None:
    """Every event once and in order."""
    numbers = [event["sequence_number"] for event in events if "sequence_number" in event]
    assert numbers == list(range(len(numbers)))


async def begin(visitor: Visitor, model: str) -> tuple[str, list[Event]]:
    """Ask, and wait for some words."""
    await visitor.create(model)
    events = await visitor.until("response.output_text.delta")
    while len(text_of(events).split()) < 5:
        events.append(await visitor.next())
    return events[0]["response"]["id"], events


async def test_a_killed_workers_answer_is_written_again_by_another(own: Stack) -> None:
    async with visiting(own.url) as visitor:
        response_id, events = await begin(visitor, KILLED)
        own.start_worker("worker2")
        own.wait_for_workers(2)
        kill(own.processes["worker1"])
        killed_at = time.monotonic()
        events += await visitor.until("tailrace:restarted")
        assert time.monotonic() - killed_at < 12
        restarted = events[-1]
        after = await visitor.until("response.completed")
    assert_whole(events + after)
    assert (restarted["attempt"], restarted["reason"]) == (2, "worker_gone")
    assert text_of(after) == WORDS
    row = own.settled(response_id)
    assert (row["status"], row["output"], row["attempt"]) == ("completed", WORDS, 2)
    assert len(own.upstream.requests(KILLED)) == 2


async def test_a_model_that_can_continue_goes_on_without_a_break(own: Stack) -> None:
    async with visiting(own.url) as visitor:
        _, events = await begin(visitor, CONTINUED)
        own.start_worker("worker2")
        own.wait_for_workers(2)
        kill(own.processes["worker1"])
        events += await visitor.until("response.completed")
    assert_whole(events)
    assert [event["type"] for event in events].count("tailrace:continued") == 1
    assert text_of(events) == WORDS
    first, second = own.upstream.requests(CONTINUED)
    assert second.messages[:-1] == first.messages
    assert second.messages[-1]["role"] == "assistant"
    assert WORDS.startswith(second.messages[-1]["content"])


async def test_an_answer_that_took_two_workers_down_is_given_up(own: Stack) -> None:
    async with visiting(own.url) as visitor:
        response_id, events = await begin(visitor, POISON)
        for successor in ("worker2", "worker3"):
            own.start_worker(successor)
            own.wait_for_workers(2)
            (victim,) = [p for p in own.processes.values() if p.name == f"worker{int(successor[-1]) - 1}"]
            kill(victim)
            if successor == "worker2":
                events += await visitor.until("tailrace:restarted")
        after = await visitor.until("response.failed")
        events += after
    assert_whole(events)
    assert events[-1]["response"]["error"]["code"] == "worker_lost"
    row = own.settled(response_id)
    assert (row["status"], row["error_code"]) == ("failed", "worker_lost")
    assert row["output"] == text_of(after)
    assert len(own.upstream.requests(POISON)) == 2


async def test_a_frozen_worker_that_wakes_up_writes_nothing_and_leaves_the_model(own: Stack) -> None:
    async with visiting(own.url) as visitor:
        response_id, events = await begin(visitor, FROZEN)
        own.start_worker("worker2")
        own.wait_for_workers(2)
        zombie = own.processes["worker1"].popen.pid
        os.kill(zombie, signal.SIGSTOP)
        events += await visitor.until("tailrace:restarted")
        os.kill(zombie, signal.SIGCONT)
        wait_until(lambda: own.upstream.requests(FROZEN)[0].aborted, 5, "the zombie leaves the model")
        after = await visitor.until("response.completed")
    assert_whole(events + after)
    assert text_of(after) == upstream_text("words-400")
    assert own.settled(response_id)["output"] == upstream_text("words-400")


async def test_a_worker_that_stops_ends_what_it_can_and_hands_over_the_rest(own: Stack) -> None:
    own.start_worker("worker2")
    own.wait_for_workers(2)

    async def ask(model: str) -> list[Event]:
        async with visiting(own.url) as visitor:
            return await visitor.answer(model)

    answers = [asyncio.create_task(ask(model)) for model in [DRAINED] * 6 + [BRIEF] * 6]
    await asyncio.to_thread(
        wait_until,
        lambda: len(own.upstream.requests()) == 12 and own.upstream.requests(DRAINED)[-1].chunks,
        20,
        "all are under way",
    )
    stopped_at = time.monotonic()
    code = await asyncio.to_thread(own.processes["worker1"].stop)
    assert code == 0
    assert time.monotonic() - stopped_at < 8
    done = await asyncio.gather(*answers)
    for events in done:
        assert_whole(events)
        assert events[-1]["type"] == "response.completed"
    texts = [events[-1]["response"]["output"][0]["content"][0]["text"] for events in done]
    assert texts == [upstream_text("words-200")] * 6 + [upstream_text("words-30")] * 6
    assert len(own.upstream.requests(BRIEF)) == 6  # those could end
    moved = [events for events in done[:6] if any(e["type"] == "tailrace:restarted" for e in events)]
    assert len(own.upstream.requests(DRAINED)) == 6 + len(moved)
    # by the worker itself and at once, not by the reaper some seconds later
    assert own.processes["worker1"].said().count("'status': 'handed_over'") == len(moved) > 0


async def test_a_job_whose_message_was_lost_is_enqueued_again(own: Stack) -> None:
    own.processes["worker1"].stop()
    async with visiting(own.url) as visitor:
        await visitor.create(BRIEF)
        events = await visitor.until("response.queued")
        wait_until(lambda: own.redis("LLEN", "responses") == 1, 5, "the message waits")
        own.redis("DEL", "responses")
        own.start_worker("worker2")
        events += await visitor.until("response.completed")
    assert_whole(events)
    assert text_of(events) == upstream_text("words-30")


async def test_a_running_job_that_was_revoked_ends_as_cancelled(own: Stack) -> None:
    async with visiting(own.url) as visitor:
        response_id, _ = await begin(visitor, REVOKED)
        await asyncio.to_thread(own.revoke, response_id)
        last = (await visitor.until("response.incomplete", "response.completed"))[-1]
    assert last["response"]["status"] == "cancelled"
    assert own.settled(response_id)["status"] == "cancelled"
    assert own.upstream.wait_for_end(REVOKED).aborted


async def test_a_waiting_job_that_was_revoked_ends_as_cancelled(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    directory = tmp_path_factory.mktemp("revoked")
    with running(directory, [KILLED, REVOKED], workers=1, TAILRACE_CONCURRENCY="1") as parts:
        async with visiting(parts.url) as busy, visiting(parts.url) as visitor:
            await begin(busy, KILLED)  # the worker's one place is taken for six seconds
            await visitor.create(REVOKED)
            response_id = (await visitor.until("response.queued"))[0]["response"]["id"]
            await asyncio.to_thread(parts.revoke, response_id)
            assert parts.redis("LLEN", "responses") == 1, "it still waits"
            last = (await visitor.until("response.incomplete", "response.completed"))[-1]
        assert last["response"]["status"] == "cancelled"
        assert parts.settled(response_id)["status"] == "cancelled"
        assert parts.upstream.requests(REVOKED) == []


@pytest.mark.parametrize("stopped", [False, True], ids=["to its end", "stopped"])
async def test_an_answer_survives_the_loss_of_its_log(own: Stack, stopped: bool) -> None:
    async with visiting(own.url) as visitor:
        response_id, _ = await begin(visitor, KILLED)
        own.redis("DEL", f"response:{{{response_id}}}:log")
        if stopped:
            await visitor.send({"type": "tailrace:cancel", "response_id": response_id})
        frames = await visitor.until(*TERMINAL, "tailrace:snapshot")
        while frames[-1]["type"] == "tailrace:snapshot" and frames[-1]["response"]["status"] == "in_progress":
            frames += await visitor.until(*TERMINAL, "tailrace:snapshot")
    final = frames[-1]["response"]
    row = own.settled(response_id)
    assert final["status"] == row["status"] == ("cancelled" if stopped else "completed")
    assert "".join(part["text"] for item in final["output"] for part in item["content"]) == row["output"]
    assert row["output"] == WORDS if not stopped else WORDS.startswith(row["output"])
    assert own.upstream.wait_for_end(KILLED).aborted == stopped

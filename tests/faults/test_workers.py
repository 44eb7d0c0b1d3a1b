"""Workers that die, freeze or lose a message: the answer continues, or ends with a code."""

import asyncio
from collections.abc import Iterator

import pytest
import redis

from chat.transport.redis_keys import prefixed
from tests.faults.harness import Harness, start_harness
from tests.harness.socket_client import TERMINAL, Event, Visitor, text_of, visiting
from tests.harness.stack import Stack, running
from tests.harness.upstream import text_of as upstream_text
from tests.harness.waiting import wait_until, within

KILLED = "[words-60@10] killed"
CONTINUED = "[words-60@10] continued"
POISON = "[words-60@10] poison"
FROZEN = "[words-200@10] frozen"  # it still streams when the zombie wakes up
BRIEF = "[words-30@15] brief"
REVOKED = "[words-200@20] revoked"
HELD = "[words-20+hold-after-10] held"
WORDS = upstream_text(KILLED)


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """Three workers, of which a test can kill two."""
    with start_harness(tmp_path_factory.mktemp("workers"), workers=3) as parts:
        yield parts


def assert_whole(events: list[Event]) -> None:
    """Check that every event came once and in order."""
    numbers = [event["sequence_number"] for event in events if "sequence_number" in event]
    assert numbers == list(range(len(numbers)))


def outcomes(harness: Harness, response_id: str, status: str) -> int:
    """Return how many tasks of a response ended with this status, in all workers."""
    output = "".join(harness.stack.processes[name].output() for name in harness.workers)
    lines = [line for line in output.splitlines() if response_id in line and "succeeded" in line]
    return sum(f"'status': '{status}'" in line for line in lines)


async def begin(visitor: Visitor, prompt: str, model: str | None = None) -> tuple[str, list[Event]]:
    """Ask, and wait for some words."""
    await visitor.create(prompt, model)
    events = await visitor.until("response.output_text.delta")
    while len(text_of(events).split()) < 5:
        events.append(await visitor.next())
    return events[0]["response"]["id"], events


async def test_another_worker_restarts_the_answer_of_a_killed_one(harness: Harness, own: Stack) -> None:
    async with visiting(own.url) as visitor:
        response_id, events = await begin(visitor, KILLED)
        harness.kill_holder(response_id)
        with within(20):  # a heartbeat expires after 6 s
            events += await visitor.until("tailrace:restarted")
        restarted = events[-1]
        after = await visitor.until("response.completed")
    assert_whole(events + after)
    assert (restarted["attempt"], restarted["reason"]) == (2, "worker_lost")
    assert text_of(after) == WORDS
    row = own.settled(response_id)
    assert (row["status"], row["output"], row["attempt"]) == ("completed", WORDS, 2)
    assert len(own.upstream.requests(KILLED)) == 2


async def test_another_worker_continues_an_answer_without_a_break(harness: Harness, own: Stack) -> None:
    async with visiting(own.url) as visitor:
        response_id, events = await begin(visitor, CONTINUED, "scripted-continued")
        harness.kill_holder(response_id)
        events += await visitor.until("response.completed")
    assert_whole(events)
    assert [event["type"] for event in events].count("tailrace:continued") == 1
    assert text_of(events) == WORDS
    first, second = own.upstream.requests(CONTINUED)
    assert second.messages[:-1] == first.messages
    assert second.messages[-1]["role"] == "assistant"
    assert WORDS.startswith(second.messages[-1]["content"])


async def test_a_response_that_lost_two_workers_fails(harness: Harness, own: Stack) -> None:
    async with visiting(own.url) as visitor:
        response_id, events = await begin(visitor, POISON)
        harness.kill_holder(response_id)
        events += await visitor.until("tailrace:restarted")
        wait_until(lambda: len(own.upstream.requests(POISON)) == 2, 5, "the second one has asked")
        harness.kill_holder(response_id)
        after = await visitor.until("response.failed")
        events += after
    assert_whole(events)
    assert events[-1]["response"]["error"]["code"] == "worker_lost"
    row = own.settled(response_id)
    assert (row["status"], row["error_code"]) == ("failed", "worker_lost")
    assert row["output"] == text_of(after)
    assert len(own.upstream.requests(POISON)) == 2


async def test_a_frozen_worker_that_wakes_up_writes_nothing_and_closes_the_upstream(
    harness: Harness, own: Stack
) -> None:
    async with visiting(own.url) as visitor:
        response_id, events = await begin(visitor, FROZEN)
        zombie = own.processes[own.holder(response_id)]
        zombie.freeze()
        events += await visitor.until("tailrace:restarted")
        zombie.thaw()
        wait_until(lambda: own.upstream.requests(FROZEN)[0].aborted, 5, "the zombie closes the upstream")
        after = await visitor.until("response.completed")
    assert_whole(events + after)
    assert text_of(after) == upstream_text(FROZEN)
    assert own.settled(response_id)["output"] == upstream_text(FROZEN)


async def test_three_messages_at_once_are_one_call_upstream(harness: Harness, own: Stack) -> None:
    own.take_tasks(*harness.workers, yes=False)
    async with visiting(own.url) as visitor:
        await visitor.create(BRIEF)
        events = await visitor.until("response.queued")
        wait_until(lambda: own.redis("LLEN", prefixed("responses")) == 1, 5, "the message waits")
        message = own.redis("RPOP", prefixed("responses"))
        own.take_tasks(*harness.workers, yes=True)
        own.redis("LPUSH", prefixed("responses"), message, message, message)
        events += await visitor.until(*TERMINAL)
    assert_whole(events)
    assert text_of(events) == upstream_text(BRIEF)
    response_id = events[0]["response"]["id"]
    wait_until(lambda: outcomes(harness, response_id, "skipped") == 2, 5, "two had nothing to do")
    wait_until(lambda: outcomes(harness, response_id, "completed") == 1, 5, "one has done it")
    assert len(own.upstream.requests(BRIEF)) == 1


async def test_kombu_keeps_no_copy_of_unacknowledged_messages(own: Stack) -> None:
    """Kombu would restore it from `unacked` an hour later."""
    with redis.Redis.from_url(own.env["REDIS_URL"]) as client, client.monitor() as monitor:
        async with visiting(own.url) as visitor:
            response_id = (await visitor.answer(BRIEF))[-1]["response"]["id"]
        client.echo("end")
        seen = iter(lambda: str(monitor.next_command()["command"]), "ECHO end")
        names = {line.split()[0] for line in seen if f'"id": "{response_id}"' in line.replace("\\", "")}
    assert names == {"LPUSH"}  # with `unacked` also HSET


async def test_a_response_whose_message_was_lost_is_enqueued_again(harness: Harness, own: Stack) -> None:
    own.take_tasks(*harness.workers, yes=False)
    async with visiting(own.url) as visitor:
        await visitor.create(BRIEF)
        events = await visitor.until("response.queued")
        wait_until(lambda: own.redis("LLEN", prefixed("responses")) == 1, 5, "the message waits")
        own.redis("DEL", prefixed("responses"))
        own.take_tasks(*harness.workers, yes=True)
        events += await visitor.until("response.completed")
    assert_whole(events)
    assert text_of(events) == upstream_text(BRIEF)


async def test_a_revoked_running_task_ends_as_cancelled(harness: Harness, own: Stack) -> None:
    async with visiting(own.url) as visitor:
        response_id, _ = await begin(visitor, REVOKED)
        await asyncio.to_thread(own.revoke, response_id)
        last = (await visitor.until("response.incomplete", "response.completed"))[-1]
    assert last["response"]["status"] == "cancelled"
    assert own.settled(response_id)["status"] == "cancelled"
    assert own.upstream.wait_for_end(REVOKED).aborted


async def test_a_revoked_waiting_task_ends_as_cancelled(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    directory = tmp_path_factory.mktemp("revoked")
    with running(directory, workers=1, TAILRACE_CONCURRENCY="1") as parts:
        async with visiting(parts.url) as busy, visiting(parts.url) as visitor:
            await begin(busy, HELD)  # the worker's one place is taken
            await visitor.create(REVOKED)
            response_id = (await visitor.until("response.queued"))[0]["response"]["id"]
            wait_until(lambda: parts.redis("LLEN", prefixed("responses")) == 1, 5, "the message waits")
            await asyncio.to_thread(parts.revoke, response_id)
            assert parts.redis("LLEN", prefixed("responses")) == 1, "it still waits"
            parts.upstream.release(HELD)
            last = (await visitor.until("response.incomplete", "response.completed"))[-1]
        assert last["response"]["status"] == "cancelled"
        assert parts.settled(response_id)["status"] == "cancelled"
        assert parts.upstream.requests(REVOKED) == []


@pytest.mark.parametrize("stopped", [False, True], ids=["to its end", "stopped"])
async def test_an_answer_survives_the_loss_of_its_log(own: Stack, stopped: bool) -> None:
    async with visiting(own.url) as visitor:
        response_id, _ = await begin(visitor, KILLED)
        own.redis("DEL", own.log_key(response_id))
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

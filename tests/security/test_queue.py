"""A guest that floods the queue has its bounds, and no other guest waits behind its questions."""

import asyncio
import itertools

from tests.harness.socket_client import TERMINAL, visiting
from tests.harness.stack import Stack
from tests.harness.upstream.record import Record
from tests.harness.waiting import await_until
from tests.security.conftest import RUNNING, SOCKETS, WAITING
from tests.security.flood import flooding

EACH = 15  # on each socket; a socket may send 60 at once
LIVE = {"queued", "in_progress"}


async def test_of_300_questions_seven_are_accepted_and_another_guest_is_next(bounded: Stack) -> None:
    bounded.upstream.clear()
    held, other = f"[hold-after-1@50] {bounded.web_port}", "[words-3@50] the other"
    async with flooding(bounded.url, SOCKETS) as flood:
        await flood.ask(held, EACH)
        assert len(flood.accepted) == RUNNING + WAITING
        assert flood.without_retry == 0
        assert set(flood.refused) == {"too_many_waiting"}
        print(f"accepted {len(flood.accepted)}, refused {dict(flood.refused)}, closed {flood.closed}")
        await await_until(lambda: len(bounded.upstream.requests()) == RUNNING, 20, "the worker is full")
        async with visiting(bounded.url) as visitor:
            await visitor.create(other)
            await visitor.until("response.queued")
            bounded.upstream.release(bounded.upstream.requests()[0].prompt)
            assert (await visitor.until(*TERMINAL))[-1]["type"] == "response.completed"
        prompts = [record.prompt for record in bounded.upstream.requests()]
        assert prompts.index(other) == RUNNING  # next, although five were asked before


async def test_parallel_questions_never_run_more_than_the_limit(bounded: Stack) -> None:
    bounded.upstream.clear()
    async with flooding(bounded.url, SOCKETS) as flood:
        await flood.ask("[words-2@20]", 4)
        await await_until(lambda: LIVE.isdisjoint(bounded.statuses()), 60, "all have ended")
    records = bounded.upstream.requests()
    assert len(records) == len(flood.accepted) >= RUNNING + WAITING
    assert most_at_once(records) <= RUNNING
    assert {bounded.row(response_id)["status"] for response_id in flood.accepted} == {"completed"}


def most_at_once(records: list[Record]) -> int:
    """Return how many requests ran at the same time."""
    begins = [(record.started_at, 1) for record in records]
    ends = [(record.ended_at or float("inf"), -1) for record in records]
    return max(itertools.accumulate(change for _, change in sorted(begins + ends)))


async def test_what_was_accepted_ends_although_every_process_is_killed(bounded: Stack) -> None:
    web, worker = bounded.processes["web"], bounded.processes["worker1"]
    async with flooding(bounded.url, 5) as flood:
        asking = asyncio.create_task(flood.ask("[words-2@20]", 10))
        await await_until(lambda: len(flood.accepted) >= RUNNING + 1, 30, "some are held")
        web.kill()
        worker.kill()
        await asking
        worker.start()
        web.start().wait_until(bounded.readyz)
        await await_until(lambda: LIVE.isdisjoint(bounded.statuses()), 90, "all have ended")
    ended = {bounded.row(response_id)["status"] for response_id in flood.accepted}
    assert ended <= {"completed", "failed"}
    assert ended

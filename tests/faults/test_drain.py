"""A worker that stops: answers that can end in time do, the others are handed over at once."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.faults.harness import WITHOUT_FALLBACKS, Harness, start_harness
from tests.faults.load import all_end, load
from tests.faults.recording_client import Question

LONG = Question("words-60+hold-after-50+times-1@5")  # more than the drain, then 12 s
CONTINUED = Question(LONG.script, "scripted-continued")
BRIEF = Question("words-10@5")  # 2 s: less than the drain
RESUMED = ("tailrace:restarted", "tailrace:continued")
DRAIN_SECONDS = 6


@pytest.fixture
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    directory = tmp_path_factory.mktemp("drain")
    env = {"DRAIN_SECONDS": str(DRAIN_SECONDS), **WITHOUT_FALLBACKS}  # the reaper enqueues nothing
    with start_harness(directory, workers=2, **env) as parts:
        yield parts


async def test_a_stopping_worker_ends_some_answers_and_hands_over_the_others(harness: Harness) -> None:
    questions = [LONG] * 6 + [CONTINUED] * 6 + [BRIEF] * 8
    leaving, other = harness.workers
    harness.stack.take_tasks(other, yes=False)
    async with load(harness, questions) as clients:
        stopping = asyncio.create_task(asyncio.to_thread(harness.stop_worker, leaving))
        await asyncio.to_thread(harness.stack.take_tasks, other, yes=True)
        assert await stopping == 0
        findings = await all_end(harness.stack, clients, 40)
    findings.require(completed=20)
    moved = [w for w in clients if harness.stack.row(str(w.response_id))["attempt"] == 2]
    assert [w.question for w in moved] == [LONG] * 6 + [CONTINUED] * 6  # the brief ones ended
    reasons = [[r.event["reason"] for r in client.received if r.event["type"] in RESUMED] for client in moved]
    assert reasons == [["handed_over"]] * len(moved)
    assert harness.stack.processes[leaving].output().count("'status': 'handed_over'") == len(moved)

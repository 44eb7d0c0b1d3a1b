"""A worker that is told to stop: what can end in its time does, the rest goes on elsewhere at once."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.faults.harness import Rig, rigged
from tests.faults.load import all_end, crowd, longest_pause

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

LONG = "words-240@20:long"  # 12 s: more than the drain
CONTINUED = "words-240@20:continued"
BRIEF = "words-40@20:brief"  # 2 s: less than the drain
AGAIN = ("tailrace:restarted", "tailrace:continued")
DRAIN_SECONDS = 6
ELSEWHERE_SECS = 3  # from the hand-over to the next word, in another worker
LEAVE_SECS = 3  # from the hand-over to the end of the process


@pytest.fixture
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    directory = tmp_path_factory.mktemp("drain")
    with rigged(directory, [LONG, CONTINUED, BRIEF], workers=2, DRAIN_SECONDS=str(DRAIN_SECONDS)) as parts:
        yield parts


async def test_a_worker_with_twenty_answers_ends_some_and_hands_over_the_others(rig: Rig) -> None:
    models = [LONG] * 6 + [CONTINUED] * 6 + [BRIEF] * 8
    leaving, other = rig.workers
    rig.stack.take_jobs(other, yes=False)
    async with crowd(rig, models) as witnesses:
        told_at = time.monotonic()
        stopping = asyncio.create_task(asyncio.to_thread(rig.stop_worker, leaving))
        await asyncio.to_thread(rig.stack.take_jobs, other, yes=True)
        assert await stopping == 0
        assert time.monotonic() - told_at < DRAIN_SECONDS + LEAVE_SECS
        findings = await all_end(rig, witnesses, 40)
    assert not findings.counts, findings.table()
    assert findings.statuses == {"completed": 20}
    moved = [w for w in witnesses if rig.stack.row(str(w.response_id))["attempt"] == 2]
    assert [w.model for w in moved] == [LONG] * 6 + [CONTINUED] * 6  # the brief ones could end
    heard = [[heard.event for heard in witness.heard] for witness in moved]
    told = [[event["reason"] for event in events if event["type"] in AGAIN] for events in heard]
    assert told == [["handed_over"]] * len(moved)
    assert max(map(longest_pause, moved)) < ELSEWHERE_SECS
    # by the worker itself, not by the reaper some seconds later
    assert rig.stack.processes[leaving].said().count("'status': 'handed_over'") == len(moved)

"""The database locked, or away at the last token: streams go on, and rows are settled later from the log."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from project.up import ports
from tests.faults.harness import Rig, rigged
from tests.faults.load import all_end, all_ended, crowd, longest_pause
from tests.faults.proxy import Proxy
from tests.harness import postgres
from tests.harness.stack import Ways, running
from tests.harness.waiting import await_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

SHORT = "words-40@20:short"  # 2 s: it ends while the database is locked
LONG = "words-400@20:long"  # 20 s: it streams all the while
LOCKED_SECS = 12  # more than a writer waits (settings.py)
BRISK_SECS = 1.5  # between two pieces of text, on a busy machine


@pytest.fixture
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rigged(tmp_path_factory.mktemp("database"), [SHORT, LONG]) as parts:
        yield parts


async def test_streams_go_on_while_the_database_is_locked_and_rows_are_settled_later(rig: Rig) -> None:
    async with crowd(rig, [SHORT] * 10 + [LONG] * 10) as witnesses:
        with rig.locked_database():
            locked_at = time.time()
            await await_until(all_ended(witnesses[:10]), 8, "the short ones end on screen")
            assert {rig.stack.row(str(w.response_id))["status"] for w in witnesses[:10]} == {"in_progress"}
            await asyncio.sleep(max(0, locked_at + LOCKED_SECS - time.time()))  # the fault itself
        findings = await all_end(rig, witnesses, 40)
    assert not findings.counts, findings.table()
    assert findings.statuses == {"completed": 20}
    assert max(map(longest_pause, witnesses)) < BRISK_SECS


@pytest.mark.postgres
async def test_a_postgresql_that_is_away_at_the_last_token(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory, way = tmp_path_factory.mktemp("postgres"), ports.pick_free()
    with (
        postgres.running("tailrace", "secret") as server,
        Proxy.to(server.port, way) as to_database,
        running(
            directory,
            [SHORT],
            ways=Ways(database=server.url, database_of_parts=server.url.replace(str(server.port), str(way))),
        ) as stack,
    ):
        rig = Rig(stack, to_database, to_database, to_database)
        async with crowd(rig, [SHORT] * 10) as witnesses:
            to_database.cut()
            await await_until(all_ended(witnesses), 20, "all end on screen")
            assert {stack.row(str(w.response_id))["status"] for w in witnesses} == {"in_progress"}
            to_database.mend()
            findings = await all_end(rig, witnesses, 10)
        assert not findings.counts, findings.table()
        assert findings.statuses == {"completed": 10}

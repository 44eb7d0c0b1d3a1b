"""The database locked, or unavailable at the last token: streams continue, rows are settled from the log."""

import asyncio
import time

import pytest

from tests.faults.harness import Harness
from tests.faults.load import all_end, all_ended, load, longest_pause, release
from tests.faults.proxy import Proxy
from tests.faults.recording_client import Question
from tests.harness import postgres
from tests.harness.stack import Ways, running
from tests.harness.waiting import await_until, patience

SHORT = Question("words-10+hold-after-5@5")  # it ends while the database is locked
LONG = Question("words-90@5")  # 18 s: it streams all the while
EACH = 5  # answers
LOCKED_SECS = 12  # more than a writer waits (settings.py)
BRISK_SECS = 4  # between two pieces of text; a locked database would stop them for LOCKED_SECS


async def test_a_locked_database_stops_no_stream_and_rows_are_settled_later(harness: Harness) -> None:
    async with load(harness, [SHORT] * EACH + [LONG] * EACH) as clients:
        with harness.locked_database():
            locked_at = time.time()
            short = clients[:EACH]
            release(harness.stack, short)
            await await_until(all_ended(short), 8, "the short ones end on screen")
            assert {harness.stack.row(str(w.response_id))["status"] for w in short} == {"in_progress"}
            await asyncio.sleep(max(0, locked_at + LOCKED_SECS - time.time()))  # the fault itself
        findings = await all_end(harness.stack, clients, 40)
    findings.require(completed=2 * EACH)
    assert max(map(longest_pause, clients)) < BRISK_SECS * patience()


async def test_a_postgresql_unavailable_at_the_last_token(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("postgres")
    with (
        postgres.running("tailrace", "secret") as server,
        Proxy.to(server.port) as to_database,
        running(directory, ways=ways_to(server, to_database.port)) as stack,
    ):
        harness = Harness(stack, to_database, to_database, to_database)
        async with load(harness, [SHORT] * EACH) as clients:
            to_database.cut()
            release(stack, clients)
            await await_until(all_ended(clients), 20, "all end on screen")
            assert {stack.row(str(w.response_id))["status"] for w in clients} == {"in_progress"}
            to_database.mend()
            findings = await all_end(harness.stack, clients, 10)
        findings.require(completed=EACH)


def ways_to(server: postgres.Server, port: int) -> Ways:
    """Let the parts reach a PostgreSQL through the proxy on this port."""
    return Ways(database=server.url, database_of_parts=server.url.replace(str(server.port), str(port)))

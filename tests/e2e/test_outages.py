"""Outages of Redis and of the database: nothing hangs, commands get `busy`, later all continues."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing

import pytest

from project.up.ports import HOST
from tests.harness.processes import free_port
from tests.harness.socket_client import Visitor, cookie, text_of, visiting
from tests.harness.stack import Stack, answers, running
from tests.harness.upstream import text_of as upstream_text
from tests.harness.waiting import wait_until, within

BLIP = "[words-60@20] blip"
BUSY_SECS = 10  # how long a client may wait for `busy`
SOCKETS = 200  # that reconnect at once
OPEN_SECS = 20  # for all of them; one after the other they took ten seconds each
WRITERS = 12  # more than asyncio's default threads on a small machine


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Tailrace of the tests' own, whose Redis they may stop."""
    directory, port = tmp_path_factory.mktemp("outages"), str(free_port())
    with running(directory, workers=1, TAILRACE_HEALTH_PORT=port) as parts:
        yield parts


@pytest.fixture(autouse=True)
def _redis_runs_again(own: Stack) -> Iterator[None]:
    """A failed test does not leave Redis stopped."""
    yield
    if not own.processes["redis"].is_running:
        own.start_redis()


async def test_without_redis_readyz_names_it_and_a_command_gets_busy(own: Stack) -> None:
    async with visiting(own.url) as visitor:
        own.processes["redis"].stop()
        wait_until(lambda: own.readyz()["redis"]["state"] == "unavailable", 5, "readyz notices")
        assert own.readyz()["database"]["state"] == "ok"
        probes = [f"{own.url}/healthz", f"http://{HOST}:{own.env['TAILRACE_HEALTH_PORT']}/healthz"]
        assert all(map(answers, probes))  # no process is restarted or taken out of service
        before = own.count_rows()
        with within(BUSY_SECS):
            await visitor.create()
            refusal = await visitor.next()
        assert (refusal["type"], refusal["status"], refusal["error"]["code"]) == ("error", 503, "busy")
        assert own.count_rows() == before  # a refused command stores nothing
        own.start_redis()
        own.wait_for_workers(1)
        assert (await visitor.answer())[-1]["type"] == "response.completed"


async def subscribed(visitor: Visitor, response_id: str) -> str:
    """Subscribe; return the type, or the error code, of the reply."""
    await visitor.send({"type": "tailrace:subscribe", "response_id": response_id, "starting_after": 0})
    last = (await visitor.until("tailrace:up_to_date", "error"))[-1]
    return str(last["error"]["code"] if last["type"] == "error" else last["type"])


async def test_many_sockets_open_without_redis_and_get_busy(own: Stack) -> None:
    session = await cookie(own.url)
    async with visiting(own.url, session) as visitor, AsyncExitStack() as opened:
        response_id = (await visitor.answer())[0]["response"]["id"]
        own.processes["redis"].stop()
        with within(OPEN_SECS):
            sockets = await asyncio.gather(
                *(opened.enter_async_context(visiting(own.url, session)) for _ in range(SOCKETS))
            )
        with within(OPEN_SECS):
            replies = await asyncio.gather(*(subscribed(each, response_id) for each in sockets))
        assert set(replies) == {"busy"}
        own.start_redis()
        own.wait_for_workers(1)
        replies = await asyncio.gather(*(subscribed(each, response_id) for each in sockets))
        assert set(replies) == {"tailrace:up_to_date"}
        assert (await sockets[0].answer())[-1]["type"] == "response.completed"


async def test_an_unresponsive_redis_is_busy(own: Stack) -> None:
    async with visiting(own.url) as visitor:
        response_id = (await visitor.answer())[0]["response"]["id"]
        frozen = own.processes["redis"]
        frozen.freeze()
        try:
            with within(BUSY_SECS):
                assert await subscribed(visitor, response_id) == "busy"
        finally:
            frozen.thaw()
        assert await subscribed(visitor, response_id) == "tailrace:up_to_date"


async def test_a_wait_for_a_locked_database_does_not_block_other_sockets(own: Stack) -> None:
    session = await cookie(own.url)
    async with visiting(own.url, session) as visitor, AsyncExitStack() as opened:
        response_id = (await visitor.answer())[0]["response"]["id"]
        writers = [await opened.enter_async_context(visiting(own.url, session)) for _ in range(WRITERS)]
        with closing(sqlite3.connect(own.directory / "db.sqlite3", isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            before = own.count_rows()
            for writer in writers:
                await writer.create()
            with within(BUSY_SECS):
                assert await subscribed(visitor, response_id) == "tailrace:up_to_date"
            assert own.count_rows() == before  # they still wait
            database.execute("ROLLBACK")
        for writer in writers:
            assert (await writer.until("response.completed"))[-1]


async def test_an_answer_goes_on_after_redis_was_restarted_in_the_middle(own: Stack) -> None:
    async with visiting(own.url) as visitor:
        await visitor.create(BLIP)
        events = await visitor.until("response.output_text.delta")
        own.processes["redis"].stop()
        own.start_redis()
        events += await visitor.until("response.completed", "response.failed")
    assert text_of(events) == upstream_text(BLIP)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert len(own.upstream.requests(BLIP)) == 1

"""Whole stacks on PostgreSQL: warm ones open no connection, and PgBouncer in transaction mode is enough."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.harness import pgbouncer, postgres
from tests.harness.socket_client import Visitor, cookie, visiting
from tests.harness.stack import MODELS, SETTLE_SECS, Stack, Ways, running
from tests.harness.waiting import wait_until

AT_ONCE = 40
ANSWERS = 20  # in a row, on a warm stack
SERVER_CONNECTIONS = 5  # of PgBouncer
OURS = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'tailrace-%'"
UNSETTLED = "SELECT count(*) FROM tailrace_response WHERE ended_at IS NULL"
OPENED = "SELECT sessions FROM pg_stat_database WHERE datname = current_database()"


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running("tailrace", "secret") as running:
        yield running


@contextmanager
def stack_on(directory: Path, server: postgres.Server, url: str, **env: str) -> Iterator[Stack]:
    ways = Ways(database=server.url, database_of_parts=url)
    with running(directory, 2, ways, MODELS, **env) as stack:
        yield stack


async def completed(stack: Stack, count: int, at_once: int) -> list[str]:
    """Ask so many questions; return the responses' ids."""
    session = await cookie(stack.url)

    async def ask(visitor: Visitor) -> list[dict[str, Any]]:
        return [(await visitor.answer("[words-5@100] hello"))[-1] for _ in range(count // at_once)]

    async def visit() -> list[dict[str, Any]]:
        async with visiting(stack.url, session) as visitor:
            return await ask(visitor)

    ends = [end for ends in await asyncio.gather(*(visit() for _ in range(at_once))) for end in ends]
    assert [end["type"] for end in ends] == ["response.completed"] * count
    return [str(end["response"]["id"]) for end in ends]


def test_a_warm_stack_opens_no_connection(
    server: postgres.Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        stack_on(tmp_path_factory.mktemp("stack"), server, server.url) as stack,
        psycopg.connect(server.url, autocommit=True) as operator,
    ):

        def value(query: str) -> list[Any]:
            return operator.execute(query.encode()).fetchall()

        def answer(count: int, at_once: int) -> None:
            """Return when the rows are settled; `stack.settled` would open connections."""
            asyncio.run(completed(stack, count, at_once))
            wait_until(lambda: value(UNSETTLED) == [(0,)], SETTLE_SECS, "the rows are settled")

        answer(AT_ONCE, AT_ONCE)
        before = value(OURS), value(OPENED)
        answer(ANSWERS, 1)
        after = value(OURS), value(OPENED)
    assert set(after[0]) == set(before[0])
    assert after[1] == before[1]


def test_forty_answers_at_once_through_pgbouncer(
    server: postgres.Server, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        pgbouncer.in_front_of(server, SERVER_CONNECTIONS) as url,
        stack_on(
            tmp_path_factory.mktemp("stack"),
            server,
            url,
            TAILRACE_DB_POOL="0",
            MIGRATE_DATABASE_URL=server.url,
        ) as stack,
    ):
        for response_id in asyncio.run(completed(stack, AT_ONCE, AT_ONCE)):
            assert stack.settled(response_id)["status"] == "completed"
        for name in ("web", "worker1", "worker2"):
            assert "Error" not in stack.processes[name].output()
        with psycopg.connect(server.url) as operator:
            wait_until(
                lambda: len(operator.execute(OURS).fetchall()) <= SERVER_CONNECTIONS, 5, "few are open"
            )

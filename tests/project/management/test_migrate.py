"""`migrate` on a real PostgreSQL that is in use."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.harness import postgres
from tests.harness.processes import ROOT, Process, finished, run
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.slow
MIGRATE = (sys.executable, "manage.py", "migrate", "-v0")


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running("migrated", "secret") as running:
        run(*MIGRATE, env=environment(running))
        yield running


def environment(server: postgres.Server) -> dict[str, str]:
    return os.environ | {"DATABASE_URL": server.url}


def test_a_locked_table_is_waited_for_in_turns(server: postgres.Server, tmp_path: Path) -> None:
    back = run(*MIGRATE, "tailrace", "0001", env=environment(server))
    assert back == ""
    with psycopg.connect(server.url) as reader:
        reader.execute(
            "SELECT count(*) FROM tailrace_response"
        )  # holds its lock to the end of the transaction
        process = Process(tmp_path / "migrate.log", MIGRATE, environment(server), ROOT).start()
        process.wait_until(lambda: "A table is locked" in process.output())
        with psycopg.connect(server.url, options="-c lock_timeout=0") as other:
            other.execute("SELECT count(*) FROM tailrace_response")  # no longer held up
        reader.rollback()
    wait_until(lambda: not process.is_running, 30, "the migration ends")
    assert process.popen.returncode == 0, process.output()
    with psycopg.connect(server.url) as operator:
        operator.execute("SELECT omitted_turns FROM tailrace_response")


def test_another_fault_is_not_repeated(server: postgres.Server) -> None:
    done = finished(*MIGRATE, "tailrace", "nothing", env=environment(server))
    assert done.returncode != 0
    assert "trying again" not in done.stderr


def test_migrations_go_to_the_server_itself(server: postgres.Server) -> None:
    behind = environment(server) | {
        "DATABASE_URL": "postgres://user@127.0.0.1:1/through-a-pooler",
        "MIGRATE_DATABASE_URL": server.url,
    }
    assert run(*MIGRATE, env=behind) == ""
    assert finished(sys.executable, "manage.py", "showmigrations", env=behind).returncode != 0

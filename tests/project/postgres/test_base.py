"""Pooled connections to a real PostgreSQL: kept, checked, bounded, safe at fork and exit."""

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier

import psycopg
import pytest
from django.db import OperationalError, connections
from pytest_django import DjangoDbBlocker

from project.postgres import serving
from project.postgres.base import DatabaseWrapper
from project.up.ports import HOST
from tests.harness import postgres
from tests.harness.processes import finished
from tests.harness.waiting import deadline, wait_until, within

pytestmark = pytest.mark.slow

POOL = "pooled"  # the alias
SIZE = 4


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running("pooled", "secret") as running:
        yield running


@pytest.fixture
def pooled(server: postgres.Server, django_db_blocker: DjangoDbBlocker) -> Iterator[DatabaseWrapper]:
    plain = connections.settings["default"] | {
        "ENGINE": serving.ENGINE,
        "NAME": server.name,
        "USER": server.name,
        "PASSWORD": server.password,
        "HOST": HOST,
        "PORT": str(server.port),
        "OPTIONS": {"connect_timeout": 3},
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
    }
    with django_db_blocker.unblock():
        wrapper = another(plain | serving.configured(plain, "web", SIZE))
        yield wrapper
        wrapper.close()
        wrapper.close_pool()


def another(like: DatabaseWrapper | dict[str, object]) -> DatabaseWrapper:
    """The connection of another thread."""
    return DatabaseWrapper(like.settings_dict if isinstance(like, DatabaseWrapper) else like, POOL)


def asked(wrapper: DatabaseWrapper, query: str) -> object:
    """Ask, and close as the end of a piece of work does."""
    with closing(wrapper), wrapper.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def pid(wrapper: DatabaseWrapper) -> int:
    return int(str(asked(wrapper, "SELECT pg_backend_pid()")))


def test_a_closed_connection_is_used_again(pooled: DatabaseWrapper) -> None:
    pids = {pid(another(pooled)) for _ in range(20)}
    assert len(pids) <= SIZE  # the pool may grow while it connects


def test_connections_have_a_name_and_time_limits(pooled: DatabaseWrapper) -> None:
    assert asked(pooled, "SHOW application_name") == "tailrace-web"
    assert asked(pooled, "SHOW statement_timeout") == "5s"
    assert asked(pooled, "SHOW idle_in_transaction_session_timeout") == "10s"


def test_a_thread_without_a_connection_hears_so_within_seconds(pooled: DatabaseWrapper) -> None:
    held = [another(pooled) for _ in range(SIZE)]
    for wrapper in held:
        wrapper.ensure_connection()
    try:
        with (
            within(serving.WAIT_SECS + 2),
            pytest.raises(OperationalError, match="couldn't get a connection"),
        ):
            pooled.ensure_connection()
    finally:
        for wrapper in held:
            wrapper.close()
    assert asked(pooled, "SELECT 1") == 1


def test_more_threads_than_connections_take_turns(pooled: DatabaseWrapper, server: postgres.Server) -> None:
    together = Barrier(8 * SIZE)

    def ask(_: int) -> object:
        together.wait(deadline())
        return asked(another(pooled), "SELECT 1")

    with ThreadPoolExecutor(8 * SIZE) as threads:
        assert list(threads.map(ask, range(8 * SIZE))) == [1] * 8 * SIZE
    assert sessions(server) <= SIZE


def sessions(server: postgres.Server) -> int:
    with psycopg.connect(server.url) as operator:
        query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tailrace-web'"
        (count,) = operator.execute(query).fetchall()[0]
    return int(count)


def test_a_connection_that_the_server_ended_is_replaced(
    pooled: DatabaseWrapper, server: postgres.Server
) -> None:
    first = pid(pooled)
    with psycopg.connect(server.url, autocommit=True) as operator:
        operator.execute("SELECT pg_terminate_backend(%s, 10000)", [first])
    assert pid(pooled) != first


def test_a_connection_without_reply_is_replaced(pooled: DatabaseWrapper) -> None:
    frozen = {pid(another(pooled)) for _ in range(20)}
    for each in frozen:
        os.kill(each, signal.SIGSTOP)
    try:
        with within(2 * serving.WAIT_SECS):
            found = wait_until(lambda: working(pooled), 3 * serving.WAIT_SECS, "a new connection is open")
        assert found not in frozen
    finally:
        for each in frozen:
            os.kill(each, signal.SIGCONT)


def working(wrapper: DatabaseWrapper) -> int | None:
    try:
        return pid(another(wrapper))
    except OperationalError:
        return None


# a thread has a connection when its process forks; the child asks, ends, and the parent asks again
FORKING = """
import os, sys, warnings
warnings.simplefilter("error")
import django
django.setup()
from django.db import connection
from project.postgres.serving import serve

def pid():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]

serve("web")
before = pid()
child = os.fork()
if child == 0:
    print(pid() == before, flush=True)
    sys.exit(0)
_, status = os.waitpid(child, 0)
print(status, pid() == before)
"""


def test_a_fork_shares_no_connection_and_both_processes_end_cleanly(server: postgres.Server) -> None:
    env = os.environ | {"DATABASE_URL": server.url, "DJANGO_SETTINGS_MODULE": "project.settings"}
    done = finished(sys.executable, "-W", "error", "-X", "dev", "-c", FORKING, env=env)
    assert (done.stdout.split(), done.stderr) == (["False", "0", "True"], "")
    wait_until(lambda: sessions(server) == 0, 10, "both have closed their connections")

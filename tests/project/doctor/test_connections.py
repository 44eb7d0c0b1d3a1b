"""The check of PostgreSQL's connections: pure, then on a real server and a real PgBouncer."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from project.doctor import connections
from project.doctor.connections import Server, judged
from project.doctor.finding import State
from tests.harness import pgbouncer, postgres
from tests.project.doctor.looks import faults
from tests.project.doctor.test_database import on

OK, WARNING, ERROR = State
SEEN = {"tailrace-web": 6, "tailrace-worker": 8}


@pytest.mark.parametrize(
    ("server", "workers", "size", "expected"),
    [
        (Server(97, SEEN, 1, False, "0"), 5, 16, {}),  # (1 + 5) * 16 = 96
        (Server(97, SEEN, 2, False, "0"), 5, 16, {"database connections": WARNING}),
        (Server(97, {"tailrace-web": 17}, 1, False, "0"), 5, 16, {"database connections": WARNING}),
        (Server(97, SEEN, 1, False, "0"), 6, 16, {"database connections": WARNING}),
        (Server(97, SEEN, 1, False, "0"), 1, 0, {"database pool": WARNING}),
        (Server(97, SEEN, 1, True, "5s"), 99, 0, {}),
        (Server(97, SEEN, 1, True, "5s"), 1, 16, {"database pool": ERROR}),
        (Server(97, SEEN, 1, True, "0"), 1, 0, {"database time limit": WARNING}),
    ],
)
def test_every_process_has_room(server: Server, workers: int, size: int, expected: dict[str, State]) -> None:
    assert faults(judged(server, workers, size)) == expected


def test_the_finding_has_the_arithmetic() -> None:
    (finding,) = judged(Server(97, SEEN, 2, False, "0"), 5, 16)
    assert finding.found == (
        "97 possible, open: tailrace-web 6, tailrace-worker 8; 2 web and 5 worker processes may need 112"
    )
    assert finding.remedy.startswith("Set TAILRACE_DB_POOL=13, ")


def test_sqlite_has_no_connections_to_count(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "sqlite")
    assert connections.examine() == []


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running("counted", "secret") as running:
        yield running


@pytest.mark.slow
def test_a_server_shows_its_room_and_our_connections(
    server: postgres.Server, django_db_blocker: DjangoDbBlocker
) -> None:
    with (
        psycopg.connect(server.url, application_name="tailrace-web"),
        psycopg.connect(server.url, application_name="something-else"),
        on(server, django_db_blocker),
    ):
        seen = connections._server()
    assert seen == Server(97, {"tailrace-web": 1}, 1, False, "0")


@pytest.mark.slow
def test_a_pooler_is_noticed(server: postgres.Server, django_db_blocker: DjangoDbBlocker) -> None:
    with pgbouncer.in_front_of(server, 2) as url:
        port = url.rpartition(":")[2].partition("/")[0]
        with on(server, django_db_blocker, PORT=port):
            assert connections._server().is_pooled

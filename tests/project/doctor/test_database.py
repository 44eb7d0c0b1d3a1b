"""The check of the database: SQLite and a real PostgreSQL, configured well and badly."""

import gc
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections
from pytest_django import DjangoDbBlocker

from project.doctor import database
from project.doctor.database import Postgres, Sqlite
from project.doctor.finding import Finding, State, UnavailableError
from project.up.ports import HOST
from tests.harness import postgres
from tests.harness.waiting import within
from tests.project.doctor.looks import faults, states

OK, WARNING, ERROR = State
WELL = Sqlite("wal", "IMMEDIATE", 10_000)
SECRET = "a-secret"
CONNECT_SECS = 6  # more than the 3 s to connect


@pytest.mark.parametrize(
    ("mode", "debug", "expected"),
    [
        (WELL, True, {}),
        (WELL, False, {"database kind": WARNING}),
        (Sqlite("delete", "IMMEDIATE", 10_000), True, {"SQLite journal": ERROR}),
        (Sqlite("wal", "None", 10_000), True, {"SQLite transactions": ERROR}),
        (Sqlite("wal", "IMMEDIATE", 1000), True, {"SQLite transactions": WARNING}),
    ],
)
def test_an_sqlite_file_has_one_mode_that_is_ok(
    mode: Sqlite, debug: bool, expected: dict[str, State]
) -> None:
    assert faults(database.sqlite(mode, debug=debug)) == expected


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (Postgres("16.1", "read committed", 0.0), {}),
        (Postgres("16.1", "repeatable read", 0.0), {"PostgreSQL isolation": ERROR}),
        (Postgres("16.1", "read committed", 2.0), {"database clock": WARNING}),
        (Postgres("16.1", "read committed", -3600.0), {"database clock": WARNING}),
    ],
)
def test_a_server_is_read_committed_and_its_clock_is_no_error(
    server: Postgres, expected: dict[str, State]
) -> None:
    assert faults(database.postgres(server)) == expected


def test_migrations_are_all_applied_and_no_later_ones() -> None:
    assert database.migrations([], []).state is OK
    missing = database.migrations(["chat.0001", "chat.0002", "chat.0003", "chat.0004"], ["chat.0009"])
    assert faults([missing]) == {"migrations": ERROR}
    assert missing.found == "4 not applied (chat.0001, chat.0002, chat.0003, …)"
    later = database.migrations([], ["chat.0009"])
    assert (later.state, later.found) == (WARNING, "1 of a later version (chat.0009)")


def test_the_database_of_the_tests_is_ok(db: None) -> None:
    found = database.examine(debug=True)
    assert faults(found) == {}
    assert list(states(found))[:2] == ["database", "migrations"]


def test_a_database_in_which_no_row_can_be_claimed_is_an_error(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections["default"].features, "can_return_columns_from_insert", False)
    assert faults(database.examine(debug=True)) == {"database kind": ERROR}


@contextmanager
def pointed_at(blocker: DjangoDbBlocker, **settings: Any) -> Iterator[None]:
    """Django's own connection of this thread, to another database until the block ends."""
    configured = connections.settings["default"]
    other = {**configured, "USER": "", "PASSWORD": "", "HOST": "", "PORT": "", "OPTIONS": {}, **settings}
    connections.settings["default"] = other
    kept = connections["default"]
    connections["default"] = connections.create_connection("default")
    try:
        with blocker.unblock():
            yield
    finally:
        connections["default"].close()
        connections["default"] = kept
        connections.settings["default"] = configured


def unavailable() -> Finding:
    with pytest.raises(UnavailableError) as raised:
        database.examine(debug=True)
    faults([raised.value.finding])
    return raised.value.finding


def test_a_missing_file_is_unavailable_and_is_not_created(
    django_db_blocker: DjangoDbBlocker, tmp_path: Path
) -> None:
    file = tmp_path / "db.sqlite3"
    with pointed_at(django_db_blocker, ENGINE="django.db.backends.sqlite3", NAME=file):
        finding = unavailable()
    assert finding.found == f"SQLite {file}: there is no such file"
    assert "migrate" in finding.remedy
    assert not file.exists()


@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
def test_a_file_of_another_kind_is_unavailable(django_db_blocker: DjangoDbBlocker, tmp_path: Path) -> None:
    file = tmp_path / "db.sqlite3"
    file.write_text("not a database, and longer than the header of one " * 100)
    options = {"init_command": "PRAGMA journal_mode=WAL;"}
    with pointed_at(django_db_blocker, ENGINE="django.db.backends.sqlite3", NAME=file, OPTIONS=options):
        assert unavailable().found == f"SQLite {file} is unavailable (DatabaseError)"
    gc.collect()  # Django leaves the connection open: Python 3.13 warns when it is collected


def test_each_fault_of_a_file_opened_without_our_options_is_found(
    django_db_blocker: DjangoDbBlocker, tmp_path: Path
) -> None:
    file = tmp_path / "db.sqlite3"
    with closing(sqlite3.connect(file)) as made:
        made.execute("CREATE TABLE something (id)")
    with pointed_at(django_db_blocker, ENGINE="django.db.backends.sqlite3", NAME=file):
        found = database.examine(debug=True)
    assert faults(found) == {"migrations": ERROR, "SQLite journal": ERROR, "SQLite transactions": ERROR}
    assert {finding.what: finding.found for finding in found}["SQLite journal"] == "delete"


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running("doctored", SECRET) as running:
        yield running


@contextmanager
def on(server: postgres.Server, blocker: DjangoDbBlocker, **settings: Any) -> Iterator[None]:
    configured = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": server.name,
        "USER": server.name,
        "PASSWORD": server.password,
        "HOST": HOST,
        "PORT": str(server.port),
        "OPTIONS": {"connect_timeout": 3},
    }
    with pointed_at(blocker, **configured | settings):
        yield


@pytest.mark.slow
def test_a_postgresql_server_before_and_after_its_migrations(
    server: postgres.Server, django_db_blocker: DjangoDbBlocker
) -> None:
    with on(server, django_db_blocker):
        assert faults(database.examine(debug=False)) == {"migrations": ERROR}
        call_command("migrate", verbosity=0)
        found = database.examine(debug=False)
    assert faults(found) == {}
    assert list(states(found)) == [
        *("database", "migrations", "PostgreSQL version", "PostgreSQL isolation", "database clock")
    ]
    assert not any(SECRET in finding.found for finding in found)


@pytest.mark.slow
def test_a_database_stricter_than_read_committed_is_an_error(
    server: postgres.Server, django_db_blocker: DjangoDbBlocker
) -> None:
    setting = f"ALTER DATABASE {server.name} SET default_transaction_isolation"
    with psycopg.connect(server.url, autocommit=True) as operator:
        operator.execute(f"{setting} TO 'serializable'".encode())
        try:
            with on(server, django_db_blocker):
                found = {finding.what: finding for finding in database.examine(debug=False)}
        finally:
            operator.execute(f"{setting} TO DEFAULT".encode())
    assert found["PostgreSQL isolation"].state is ERROR
    assert found["PostgreSQL isolation"].found == "serializable"


@pytest.mark.slow
@pytest.mark.parametrize("slip", [{"PASSWORD": "wrong-secret"}, {"PORT": "1"}, {"NAME": "elsewhere"}])
def test_a_server_that_refuses_us_is_unavailable_and_no_password_is_shown(
    server: postgres.Server, django_db_blocker: DjangoDbBlocker, slip: dict[str, str]
) -> None:
    with on(server, django_db_blocker, **slip):
        finding = unavailable()
    assert finding.found.startswith("PostgreSQL 127.0.0.1:")
    assert finding.found.endswith("is unavailable (OperationalError)")
    assert "secret" not in finding.found + finding.remedy


@pytest.mark.slow
def test_an_unresponsive_server_is_unavailable_within_seconds(
    server: postgres.Server, django_db_blocker: DjangoDbBlocker
) -> None:
    with socket.create_server((HOST, 0)) as unresponsive:
        port = str(unresponsive.getsockname()[1])
        with within(CONNECT_SECS), on(server, django_db_blocker, PORT=port):
            assert f"{HOST}:{port}/{server.name} is unavailable" in unavailable().found

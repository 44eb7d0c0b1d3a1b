"""The pool of SQLite connections, on files."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest
from django.conf import settings
from django.db import connections
from pytest_django import DjangoDbBlocker

from project.sqlite import base
from project.sqlite.base import DatabaseWrapper, close_kept
from tests.harness.waiting import deadline


@pytest.fixture
def database(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[DatabaseWrapper]:
    with django_db_blocker.unblock(), closing(opened(tmp_path / "db.sqlite3")) as wrapper:
        yield wrapper
    close_kept()


def opened(file: Path) -> DatabaseWrapper:
    ours = connections.settings["default"] | {"ENGINE": "project.sqlite", "NAME": str(file)}
    ours["OPTIONS"] = {"init_command": "PRAGMA journal_mode=WAL;"}
    wrapper = DatabaseWrapper(ours, "default")
    wrapper.ensure_connection()
    return wrapper


def raw(wrapper: DatabaseWrapper) -> sqlite3.Connection:
    wrapper.ensure_connection()
    assert isinstance(wrapper.connection, sqlite3.Connection)
    return wrapper.connection


def is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True


def test_the_settings_use_the_pool() -> None:
    assert settings.DATABASES["default"]["ENGINE"] in ("project.sqlite", "project.postgres")


def test_opening_takes_the_connection_that_was_closed(database: DatabaseWrapper) -> None:
    first = raw(database)
    database.close()
    assert database.connection is None
    assert raw(database) is first
    with database.cursor() as cursor:
        assert cursor.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_two_open_at_once_are_two_connections(database: DatabaseWrapper) -> None:
    other = opened(Path(database.settings_dict["NAME"]))
    assert raw(database) is not raw(other)
    other.close()
    assert is_open(raw(database))


def test_a_connection_in_a_transaction_is_not_kept(database: DatabaseWrapper) -> None:
    unfinished = raw(database)
    unfinished.execute("BEGIN IMMEDIATE")
    database.close()
    assert not is_open(unfinished)
    assert raw(database) is not unfinished
    raw(database).execute("BEGIN IMMEDIATE")  # the lock is free
    raw(database).rollback()


def test_a_replaced_file_is_opened_anew(database: DatabaseWrapper, tmp_path: Path) -> None:
    raw(database).execute("CREATE TABLE old (x)")
    database.close()
    (tmp_path / "new").write_bytes(b"")
    (tmp_path / "new").replace(database.settings_dict["NAME"])
    with database.cursor() as cursor:
        assert cursor.execute("SELECT name FROM sqlite_master").fetchall() == []


def test_a_database_in_memory_is_not_kept(django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        wrapper = opened(Path("file:alone?mode=memory"))
        raw(wrapper).execute("CREATE TABLE mine (x)")
        assert wrapper._file is None
        raw(wrapper).close()


def test_kept_connections_are_bounded(database: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MAX_KEPT", 2)
    wrappers = [database, *(opened(Path(database.settings_dict["NAME"])) for _ in range(4))]
    opened_ones = [raw(wrapper) for wrapper in wrappers]
    for wrapper in wrappers:
        wrapper.close()
    assert sum(map(is_open, opened_ones)) == 2


def test_threads_share_connections_one_at_a_time(database: DatabaseWrapper) -> None:
    file = Path(database.settings_dict["NAME"])
    raw(database).execute("CREATE TABLE counted (n)")
    together = Barrier(4)

    def write(_: int) -> None:
        together.wait(deadline())
        for _ in range(50):
            wrapper = opened(file)
            with wrapper.cursor() as cursor:
                cursor.execute("INSERT INTO counted VALUES (1)")
            wrapper.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    assert raw(database).execute("SELECT count(*) FROM counted").fetchone() == (200,)

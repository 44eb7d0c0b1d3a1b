"""Django's PostgreSQL backend; a fork leaves its parent's pools alone."""

import os
import select
import time
from typing import Any

import psycopg
from django.db import connections
from django.db.backends.postgresql import base
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

CHECK_SECS = 1  # an unresponsive server must not hold a thread

_of_parents: list[Any] = []  # never deleted: that would end the parent's sessions


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper; pooled connections are checked within CHECK_SECS."""

    _connection_pools: dict[str, Any] = {}  # noqa: RUF012 - Django's own place

    @property
    def pool(self) -> Any:
        """Django's pool of this process; None without one."""
        pool = super().pool
        if pool is not None and pool._check is not None:
            pool._check = check  # psycopg's waits for ever
        return pool


def check(connection: psycopg.Connection[Any]) -> None:
    """Send an empty query. Raises OperationalError without a reply within CHECK_SECS."""
    server = connection.pgconn
    server.send_query(b"")
    if not _replies(server) or any(result.status != ExecStatus.EMPTY_QUERY for result in _results(server)):
        connection.close()
        message = "the connection is lost"
        raise psycopg.OperationalError(message)


def _replies(server: PGconn) -> bool:
    give_up_at = time.monotonic() + CHECK_SECS
    readable = select.poll()  # `select` knows the first 1,024 files only
    readable.register(server.socket, select.POLLIN)
    while server.is_busy():
        if not readable.poll(max(0, give_up_at - time.monotonic()) * 1000):
            return False
        server.consume_input()
    return True


def _results(server: PGconn) -> list[PGresult]:
    return list(iter(server.get_result, None))


def _leave_to_parent() -> None:
    """Forget inherited connections without closing them."""
    _of_parents.append(DatabaseWrapper._connection_pools.copy())
    DatabaseWrapper._connection_pools.clear()
    for wrapper in connections.all(initialized_only=True):
        if isinstance(wrapper, DatabaseWrapper):
            _of_parents.append(wrapper.connection)
            wrapper.connection = None


os.register_at_fork(after_in_child=_leave_to_parent)

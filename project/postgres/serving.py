"""Connection settings of a web or worker process; commands keep Django's single connection.

A thread waits WAIT_SECS for a connection, then gets PoolTimeout, an OperationalError: `busy`. There may be
more threads than connections: each holds one for milliseconds (`project/executor.py`).
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import connections

ENGINE = "project.postgres"
WAIT_SECS = 3  # for a connection
MIN_SIZE = 2  # open connections of an idle process
TIMEOUTS_MS = {"statement_timeout": 5_000, "idle_in_transaction_session_timeout": 10_000}


def serve(role: str) -> None:
    """Pool this process's connections, bound its statements, name them `tailrace-<role>`."""
    database = connections.settings["default"]
    if database["ENGINE"] == ENGINE:
        connections.close_all()  # a plain connection does not belong into a pool
        database |= configured(database, role, settings.TAILRACE_DB_POOL)


def configured(database: Mapping[str, Any], role: str, size: int) -> dict[str, Any]:
    """Return a database's settings for a serving process; what it has set itself stays.

    `size`: connections per process. 0: none are kept, for PgBouncer in transaction mode, which has timeouts
    of its role and knows no server-side cursors. The same holds with an own CONN_MAX_AGE.
    """
    options = {**database["OPTIONS"], "fallback_application_name": f"tailrace-{role}"}
    if not size:
        return {**database, "OPTIONS": options, "DISABLE_SERVER_SIDE_CURSORS": True}
    if not database.get("CONN_MAX_AGE"):
        options["pool"] = pool(size)
    options["options"] = f"{_timeouts()} {database['OPTIONS'].get('options', '')}".rstrip()
    return {**database, "OPTIONS": options}


def pool(size: int) -> dict[str, Any]:
    """Return psycopg's options of a pool."""
    return {
        "min_size": min(MIN_SIZE, size),
        "max_size": size,
        "timeout": WAIT_SECS,
        "max_lifetime": 1800,  # seconds; so that a changed address or role takes effect
        "max_idle": 300,  # seconds
        "reconnect_timeout": WAIT_SECS,  # later attempts come from threads: psycopg's pauses grow to minutes
    }


def _timeouts() -> str:
    """In psql's form; of repeated ones PostgreSQL takes the last."""
    return " ".join(f"-c {name}={milliseconds}" for name, milliseconds in TIMEOUTS_MS.items())

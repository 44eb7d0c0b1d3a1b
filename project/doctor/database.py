"""Check the database: availability, migrations, locking."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db import Error, NotSupportedError, connection
from django.db.migrations.executor import MigrationExecutor

from chat.checks import ONE_MACHINE, can_claim
from project.doctor import clocks
from project.doctor.finding import Finding, State, UnavailableError, error, ok, warning

WAIT_MS = 5000  # writers must outwait others
SHOWN = 3  # migrations by name


@dataclass(frozen=True, slots=True)
class Sqlite:
    """Modes of an open SQLite file."""

    journal_mode: str
    transaction_mode: str
    busy_timeout_ms: int


@dataclass(frozen=True, slots=True)
class Postgres:
    """Replies of a PostgreSQL server."""

    version: str
    isolation: str
    ahead_secs: float


def examine(*, debug: bool) -> list[Finding]:
    """Raises UnavailableError."""
    _connect()
    missing, unknown = _migrations()
    findings = [ok("database", f"{_place()} is available"), migrations(missing, unknown)]
    findings += [error("database kind", lack.msg, str(lack.hint)) for lack in can_claim([connection.alias])]
    if connection.vendor == "sqlite":
        return findings + sqlite(_sqlite(), debug=debug)
    return findings + postgres(_postgres()) if connection.vendor == "postgresql" else findings


def _connect() -> None:
    name = str(connection.settings_dict["NAME"])
    # connecting would create the file
    if connection.vendor == "sqlite" and not name.startswith("file:") and not Path(name).exists():
        remedy = "Run `manage.py migrate`, or correct DATABASE_URL or TAILRACE_DATA_DIR."
        raise UnavailableError("database", f"{_place()}: there is no such file", remedy)
    try:
        connection.ensure_connection()
    except NotSupportedError as trouble:
        remedy = "Use a later version of the server: Django does not support this one."
        raise UnavailableError("database", f"{_place()} is too old", remedy) from trouble
    except Error as trouble:
        found = f"{_place()} is unavailable ({type(trouble).__name__})"
        remedy = "Start it, or correct host, name, user and password in DATABASE_URL."
        raise UnavailableError("database", found, remedy) from trouble


def _place() -> str:
    """The address without password."""
    configured = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"SQLite {configured['NAME']}"
    port = f":{configured['PORT']}" if configured["PORT"] else ""
    return f"{connection.display_name} {configured['HOST'] or 'localhost'}{port}/{configured['NAME']}"


def _migrations() -> tuple[list[str], list[str]]:
    """Missing migrations, and applied ones unknown to this checkout."""
    executor = MigrationExecutor(connection)
    loader = executor.loader
    plan = executor.migration_plan(loader.graph.leaf_nodes())
    unknown = [name for name in loader.applied_migrations if name not in loader.disk_migrations]
    ours = [f"{app}.{name}" for app, name in unknown if app in loader.migrated_apps]
    return [str(migration) for migration, _ in plan], sorted(ours)


def _sqlite() -> Sqlite:
    with connection.cursor() as cursor:
        journal = str(cursor.execute("PRAGMA journal_mode").fetchone()[0])
        wait_ms = int(cursor.execute("PRAGMA busy_timeout").fetchone()[0])
    return Sqlite(journal, str(connection.settings_dict["OPTIONS"].get("transaction_mode")), wait_ms)


def _postgres() -> Postgres:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (version,) = cursor.fetchone()
        cursor.execute("SHOW transaction_isolation")
        (isolation,) = cursor.fetchone()
        before = time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        (theirs,) = cursor.fetchone()
    return Postgres(str(version), str(isolation), clocks.ahead(float(theirs), before, time.time()))


def migrations(missing: Sequence[str], unknown: Sequence[str]) -> Finding:
    """Check that the tables are this checkout's."""
    if missing:
        found = f"{len(missing)} not applied ({_some(missing)})"
        return error("migrations", found, "Run `manage.py migrate`, then start web and workers again.")
    if unknown:
        found = f"{len(unknown)} of a later version ({_some(unknown)})"
        return warning("migrations", found, "Deploy the version that the database was migrated for.")
    return ok("migrations", "all applied")


def _some(names: Sequence[str]) -> str:
    return ", ".join([*names[:SHOWN], *(["…"] if len(names) > SHOWN else [])])


def sqlite(mode: Sqlite, *, debug: bool) -> list[Finding]:
    """Check that readers and writers do not block each other."""
    return [_journal(mode), _waits(mode), *([] if debug else [_one_machine()])]


def _journal(mode: Sqlite) -> Finding:
    if mode.journal_mode == "wal":
        return ok("SQLite journal", "WAL")
    remedy = "Put the file on a local disk, with journal_mode=WAL: otherwise readers block writers."
    return error("SQLite journal", mode.journal_mode, remedy)


def _waits(mode: Sqlite) -> Finding:
    found = f"{mode.transaction_mode}, waits {mode.busy_timeout_ms / 1000:g} s"
    if mode.transaction_mode != "IMMEDIATE":
        remedy = "Set transaction_mode IMMEDIATE: a reader that becomes a writer fails at once."
        return error("SQLite transactions", found, remedy)
    if mode.busy_timeout_ms < WAIT_MS:
        remedy = f"Set timeout to {WAIT_MS // 1000} s or more: writers give up while others write."
        return warning("SQLite transactions", found, remedy)
    return ok("SQLite transactions", found)


def _one_machine() -> Finding:
    return warning("database kind", ONE_MACHINE.msg.rstrip("."), str(ONE_MACHINE.hint))


def postgres(server: Postgres) -> list[Finding]:
    """Check isolation level and clock."""
    clock = clocks.judged("database clock", server.ahead_secs)
    if clock.state is State.ERROR:  # no row has its time
        clock = warning(clock.what, clock.found, f"{clocks.REMEDY}: this one's or the database's is wrong.")
    return [ok("PostgreSQL version", server.version), _isolation(server.isolation), clock]


def _isolation(isolation: str) -> Finding:
    if isolation == "read committed":
        return ok("PostgreSQL isolation", isolation)
    remedy = "Set default_transaction_isolation to read committed: others fail when two claim one row."
    return error("PostgreSQL isolation", isolation, remedy)

"""Check PostgreSQL's connections: room for every process, a pool, or a pooler with time limits."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from project.doctor.finding import Finding, ok, warning
from project.doctor.finding import error as fault
from project.doctor.workers import alive

ROOM = """
SELECT sum(setting::int * CASE name WHEN 'max_connections' THEN 1 ELSE -1 END) FROM pg_settings
WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')
"""
OPEN = """
SELECT application_name, count(*), count(DISTINCT client_addr) FROM pg_stat_activity
WHERE application_name LIKE 'tailrace-%%' GROUP BY 1 ORDER BY 1
"""
WEB, WORKER = "tailrace-web", "tailrace-worker"


@dataclass(frozen=True, slots=True)
class Server:
    """Connections of a PostgreSQL, as one of them sees it."""

    room: int  # connections without the reserved ones
    open: Mapping[str, int]  # by application name
    web_hosts: int  # addresses of web processes
    is_pooled: bool  # by a pooler in between
    statement_timeout: str


def examine() -> list[Finding]:
    """Nothing for SQLite."""
    if connection.vendor != "postgresql":
        return []
    return judged(_server(), workers=len(alive()), size=settings.TAILRACE_DB_POOL)


def _server() -> Server:
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute(ROOM)
        (room,) = cursor.fetchone()
        cursor.execute(OPEN, [])
        rows = cursor.fetchall()
        cursor.execute("SELECT pg_backend_pid(), current_setting('statement_timeout')")
        process, statement_timeout = cursor.fetchone()
    hosts = {name: count for name, _, count in rows}
    # PgBouncer gives its clients process numbers that it has made up
    is_pooled = process != connection.connection.info.backend_pid
    seen = {name: count for name, count, _ in rows}
    return Server(int(room), seen, hosts.get(WEB, 0), is_pooled, str(statement_timeout))


def judged(server: Server, workers: int, size: int) -> list[Finding]:
    """Judge a server, with so many live workers and a pool of `size` in each process."""
    if server.is_pooled:
        return _pooled_outside(server, size)
    if not size:
        remedy = "Set TAILRACE_DB_POOL=16: 0 is for PgBouncer, and there is none."
        return [warning("database pool", "off: each piece of work opens a connection", remedy)]
    return [_room(server, workers, size)]


def _room(server: Server, workers: int, size: int) -> Finding:
    web = max(1, server.web_hosts, -(-server.open.get(WEB, 0) // size))
    needed = (web + workers) * size
    names = ", ".join(f"{name} {count}" for name, count in server.open.items()) or "none of a web or worker"
    found = f"{server.room} possible, open: {names}"
    if needed <= server.room:
        return ok("database connections", found)
    found += f"; {web} web and {workers} worker processes may need {needed}"
    fitting = server.room // (web + workers)
    remedy = f"Set TAILRACE_DB_POOL={fitting}, raise max_connections, or use PgBouncer."
    return warning("database connections", found, remedy)


def _pooled_outside(server: Server, size: int) -> list[Finding]:
    if size:
        remedy = "Set TAILRACE_DB_POOL=0: a pool of a pool holds its connections."
        return [fault("database pool", f"{size} behind a pooler", remedy)]
    found = ok("database pool", "off, behind a pooler")
    if server.statement_timeout != "0":
        return [found, ok("database time limit", server.statement_timeout)]
    remedy = "ALTER ROLE … SET statement_timeout = '5s'; and idle_in_transaction_session_timeout = '10s'."
    return [found, warning("database time limit", "none for a statement", remedy)]

"""Run a whole Tailrace as processes on loopback: Valkey, workers, web server, upstream."""

import functools
import json
import os
import sqlite3
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import psycopg
import redis
from celery import Celery
from psycopg.rows import dict_row

from chat.conf import conf
from chat.ids import new_id
from chat.key_models import HINT_CHARS, digest, new_text
from project.up import valkey
from project.up.parts import web_command
from project.up.ports import HOST
from tests.harness.processes import Process, free_port, run
from tests.harness.upstream.client import Upstream
from tests.harness.valkey import answers as redis_answers
from tests.harness.waiting import wait_until

# without DEBUG: the error pages are ours; on plain http
DEPLOYED = {
    "SECRET_KEY": "of-the-tests-" * 4,
    "TAILRACE_GUESTS": "1",
    "TAILRACE_HTTPS": "0",
}
# the catalog: names, the default first, each with its script; without one the prompt has it
MODELS: Mapping[str, str] = {
    "scripted": "",
    "scripted-impatient": "",
    "scripted-continued": "",
    "scripted-background": "",
    "scripted-vision": "",
    "scripted-small": "",
}
SMALL_CONTEXT = 1_000  # tokens
START_SECS = 60
READYZ_SECS = 0.1  # between two requests: each takes 3 ms of CPU
REPLY_SECS = 2  # of a worker to one call, which is repeated
SETTLE_SECS = 30  # an UPDATE
CELERY = (sys.executable, "-m", "celery", "-A", "project")
FLOWER = (sys.executable, "-m", "celery", "-A", "project.flower", "flower")


def answers(url: str) -> bool:
    """Whether a GET of the address is answered with 200."""
    try:
        with urllib.request.urlopen(url) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


@functools.cache
def migrated() -> bytes:
    """Return the file of a migrated database without rows."""
    with tempfile.TemporaryDirectory() as directory:
        run(sys.executable, "manage.py", "migrate", "-v0", env=os.environ | {"TAILRACE_DATA_DIR": directory})
        return (Path(directory) / "db.sqlite3").read_bytes()


def collect_static(place: Path) -> None:
    """Collect the static files, hashed and compressed."""
    env = os.environ | DEPLOYED | {"TAILRACE_STATIC_ROOT": str(place)}
    run(sys.executable, "manage.py", "collectstatic", "--noinput", "-v0", env=env)


@dataclass(frozen=True)
class Ways:
    """The ports through which the parts reach each other; a fault suite puts proxies there."""

    redis: int = field(default_factory=free_port)
    redis_of_web: int | None = None  # None: straight
    redis_of_workers: int | None = None
    upstream: int = field(default_factory=free_port)
    upstream_of_workers: int | None = None
    database: str | None = None  # the URL of a PostgreSQL; None: SQLite in the directory
    database_of_parts: str | None = None


@dataclass
class Stack:
    """The running parts and their addresses. Its methods block: in an event loop, call them in a thread."""

    directory: Path
    upstream: Upstream
    env: dict[str, str]
    web_port: int
    ways: Ways
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The URL of the page."""
        return f"http://{HOST}:{self.web_port}"

    def start(self, name: str, *command: str, **env: str) -> Process:
        """Start a part."""
        process = Process(self.directory / f"{name}.log", command, self.env | env)
        self.processes[name] = process
        return process.start()

    def run(self, *arguments: str) -> str:
        """Run Python to its end with the environment of the parts, and return what it printed."""
        return run(sys.executable, *arguments, env=self.env)

    def redis(self, *command: str | bytes) -> Any:
        """Send one command to Redis, and return its reply."""
        with redis.Redis.from_url(self.env["REDIS_URL"]) as client:
            return client.execute_command(*command)

    def log_key(self, response_id: str) -> str:
        """Return the key of a response's log."""
        return self._key(f"response:{{{response_id}}}:log")

    def _key(self, name: str) -> str:
        return f"{self.env['TAILRACE_PREFIX']}:{name}"

    def revoke(self, response_id: str) -> None:
        """Revoke a task as Flower does."""
        with self._celery() as app:
            app.control.revoke(response_id)

    def take_tasks(self, *workers: str, yes: bool) -> None:
        """Make workers take tasks, or stop taking any."""
        self.control("add_consumer" if yes else "cancel_consumer", *workers, queue="responses")

    def control(self, call: str, *workers: str, **arguments: str) -> list[dict[str, Any]]:
        """Call a remote control command of Celery in workers; return the replies of all.

        A worker that has just started may not listen yet, so the call is repeated until all have replied.
        """
        names = [f"{worker}@test" for worker in workers]

        def replies() -> list[dict[str, Any]] | None:
            found = app.control.broadcast(
                call, arguments, names, reply=True, timeout=REPLY_SECS, limit=len(names)
            )
            return found if found is not None and len(found) == len(names) else None

        with self._celery() as app:
            found = wait_until(replies, START_SECS, f"{call} has its replies")
        assert found is not None
        return found

    def _celery(self) -> Celery:
        app = Celery(broker=self.env["REDIS_URL"], set_as_current=False)
        app.conf.broker_transport_options = {"global_keyprefix": self._key("")}
        return app

    def holder(self, response_id: str) -> str:
        """Return the name of the worker that has claimed a response."""
        heartbeat = json.loads(self.redis("GET", self._key(f"worker:{self.row(response_id)['worker']}")))
        return str(heartbeat["name"]).removesuffix("@test")

    def start_redis(self) -> None:
        """Start Redis with its previous data; return when it answers."""
        process = self.start("redis", *valkey.command(self.ways.redis, self.directory))
        process.wait_until(lambda: redis_answers(self.env["REDIS_URL"]))

    def start_worker(self, name: str) -> Process:
        """Start a worker; `readyz` counts it when it is alive."""
        redis_url = valkey.url(self.ways.redis_of_workers or self.ways.redis)
        return self.start(name, *CELERY, "worker", "-n", f"{name}@test", REDIS_URL=redis_url)

    def start_web(self) -> Process:
        """Start the web server; `wait_until(readyz)` waits until it answers."""
        redis_url = valkey.url(self.ways.redis_of_web or self.ways.redis)
        patient = "--handshake-seconds=60"  # many, on a busy machine
        return self.start("web", *web_command(self.web_port), patient, REDIS_URL=redis_url)

    def start_flower(self, *options: str, **env: str) -> str:
        """Start Flower with the little that it needs, and return its address once it answers."""
        port = free_port()
        command = (*FLOWER, f"--port={port}", f"--address={HOST}", *options)
        needed = {name: self.env[name] for name in ("PATH", "REDIS_URL", "TAILRACE_PREFIX")}
        process = Process(self.directory / "flower.log", command, {**needed, **env})
        self.processes["flower"] = process.start()
        url = f"http://{HOST}:{port}"
        process.wait_until(lambda: answers(f"{url}/healthcheck"))
        return url

    def readyz(self) -> dict[str, Any]:
        """Return the parts in `/readyz`; nothing while the web server does not answer."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz") as reply:
                return dict(json.load(reply)["parts"])
        except OSError as error:
            return dict(json.load(error)["parts"]) if isinstance(error, HTTPError) else {}

    def wait_for_workers(self, count: int) -> None:
        """Wait until everything is ready, with this many workers."""
        try:
            wait_until(
                lambda: self.readyz().get("workers", {}).get("alive") == count,
                START_SECS,
                f"{count} workers are alive",
                READYZ_SECS,
            )
        except AssertionError as error:
            error.add_note("\n".join(process.tail() for process in self.processes.values()))
            raise

    def row(self, response_id: str) -> dict[str, Any]:
        """Return a row of the table of responses."""
        digits = response_id.removeprefix("resp_")
        if self.ways.database is None:
            (found,) = self._select("SELECT * FROM tailrace_response WHERE id = ?", digits)
            return dict(found)
        query = "SELECT * FROM tailrace_response WHERE id = %s"
        with psycopg.connect(self.ways.database, row_factory=dict_row) as database:
            (row,) = database.execute(query, [digits]).fetchall()
        return row

    def settled(self, response_id: str) -> dict[str, Any]:
        """Return the row once it has the end, which comes just after the last event."""
        row: dict[str, Any] = {}

        def has_ended() -> bool:
            row.update(self.row(response_id))
            return row["ended_at"] is not None

        wait_until(has_ended, SETTLE_SECS, "the row is settled")
        return row

    def count_rows(self) -> int:
        """Return how many responses the database has."""
        return len(self._select("SELECT id FROM tailrace_response"))

    def latest_user(self) -> int:
        """Return the id of the newest user."""
        ((found,),) = self._select("SELECT max(id) FROM auth_user")
        return int(found)

    def count_users(self) -> int:
        """Return how many users the database has."""
        return len(self._select("SELECT id FROM auth_user"))

    def new_key(self, name: str = "program", owner_id: int | None = None) -> str:
        """Return the text of a new API key, of a new user with this name unless it has an owner."""
        text, now = new_text(), datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
        with closing(sqlite3.connect(self.directory / "db.sqlite3")) as database, database:
            if owner_id is None:
                user = database.execute(
                    "INSERT INTO auth_user (username, password, email, first_name, last_name, is_active, "
                    "is_staff, is_superuser, date_joined) VALUES (?, '!', '', '', '', 1, 0, 0, ?)",
                    (name, now),
                )
                owner_id = user.lastrowid
            database.execute(
                "INSERT INTO tailrace_apikey (id, owner_id, name, digest, hint, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (new_id().hex, owner_id, name, digest(text), text[-HINT_CHARS:], now),
            )
        return text

    def delete_session(self, cookie: str) -> None:
        """Delete the session of a Cookie header, without a notification."""
        keys = [[pair.partition("=")[2]] for pair in cookie.split("; ")]
        with closing(sqlite3.connect(self.directory / "db.sqlite3")) as database, database:
            database.executemany("DELETE FROM django_session WHERE session_key = ?", keys)

    def statuses(self) -> list[str]:
        """Return the status of every response."""
        query = "SELECT status FROM tailrace_response"
        if self.ways.database is None:
            return [row["status"] for row in self._select(query)]
        with psycopg.connect(self.ways.database) as database:
            return [status for (status,) in database.execute(query).fetchall()]

    def _select(self, query: str, *values: str) -> list[sqlite3.Row]:
        with closing(sqlite3.connect(self.directory / "db.sqlite3")) as database:
            database.row_factory = sqlite3.Row
            return database.execute(query, values).fetchall()

    def kill(self) -> None:
        """Kill every part, the last started first."""
        for process in reversed(self.processes.values()):
            process.kill()


@contextmanager
def running(
    directory: Path,
    workers: int = 2,
    ways: Ways | None = None,
    models: Mapping[str, str] | Callable[[str], str] = MODELS,  # or the TOML, by the upstream's address
    **env: str,
) -> Iterator[Stack]:
    """Run a whole Tailrace, ready.

    With TAILRACE_STATIC_ROOT, the files that `collect_static` put there are served, as in a deployment.
    """
    ways = ways or Ways()
    web_port = free_port()
    with ExitStack() as stack:
        upstream = stack.enter_context(Upstream.start(api_key="upstream-key", port=ways.upstream))
        address = f"http://{HOST}:{ways.upstream_of_workers or ways.upstream}"
        catalog = directory / "models.toml"
        catalog.write_text(models(address) if callable(models) else _catalog(models, f"{address}/v1"))
        settings = {
            "REDIS_URL": valkey.url(ways.redis),
            "TAILRACE_PREFIX": conf.PREFIX,  # as here: tests read what the parts write
            "TAILRACE_DATA_DIR": str(directory),
            "TAILRACE_MODELS": str(catalog),
            "TAILRACE_ORIGINS": f"http://{HOST}:{web_port}",
            "UPSTREAM_KEY": "upstream-key",
            "WEB_DRAIN_SECONDS": "2",
            "PYTHONUNBUFFERED": "1",
            "TAILRACE_GUEST_MAX_RUNNING": "1000",  # one guest asks for many answers
            "TAILRACE_MAX_SOCKETS": "1000",  # on many sockets
        }
        if ways.database is not None:
            settings["DATABASE_URL"] = ways.database_of_parts or ways.database
        parts = Stack(directory, upstream, {**os.environ, **settings, **env}, web_port, ways)
        stack.callback(parts.kill)
        if not redis_answers(parts.env["REDIS_URL"]):  # else another deployment has started it
            parts.start_redis()
        if ways.database is None:
            (directory / "db.sqlite3").write_bytes(migrated())
        else:
            parts.run("manage.py", "migrate", "-v0")
        parts.start_web()
        for number in range(1, workers + 1):
            parts.start_worker(f"worker{number}")
        parts.wait_for_workers(workers)
        yield parts


def _catalog(models: Mapping[str, str], base_url: str) -> str:
    return "".join(_entry(name, script, base_url) for name, script in models.items())


def _entry(name: str, script: str, base_url: str) -> str:
    deadline_secs = 2 if name.endswith("-impatient") else 600  # never by time in a test
    return f"""
[[models]]
name = "{name}"
base_url = "{base_url}"
key_env = "UPSTREAM_KEY"
upstream_model = "{script or name}"
api = "{"responses" if name.endswith("-background") else "chat"}"
images = {str(name.endswith("-vision")).lower()}
efforts = {["low", "high"] if name.endswith("-small") else []}
context = {SMALL_CONTEXT if name.endswith("-small") else 0}
resume = "{"continue" if name.endswith("-continued") else "restart"}"
[models.deadlines]
first_token = {deadline_secs}
between_tokens = {deadline_secs}
"""

"""Run a whole Tailrace as processes on loopback: Valkey, workers, web server, upstream."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import psycopg
import redis
from psycopg.rows import dict_row

from project.up import ports, valkey
from project.up.parts import web_command
from tests.harness.upstream.client import ROOT, Upstream
from tests.harness.waiting import wait_until

# without DEBUG: the error pages are ours; on plain http, for any origin
DEPLOYED = {
    "SECRET_KEY": "of-the-tests-" * 4,
    "TAILRACE_GUESTS": "1",
    "TAILRACE_SECURE_COOKIES": "0",
    "TAILRACE_ORIGINS": "127.0.0.1",
}
START_SECS = 30  # a process on a busy machine
SETTLE_SECS = 5  # an UPDATE, on a busy machine
STOP_SECS = 15  # a worker that ends its answers


def answers(url: str) -> bool:
    """Whether a GET of the address is answered with 200."""
    try:
        with urllib.request.urlopen(url) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


@dataclass(frozen=True)
class Ways:
    """The ports through which the parts reach each other; a fault suite puts proxies there."""

    redis: int = field(default_factory=ports.pick_free)
    redis_of_web: int | None = None  # None: straight
    redis_of_workers: int | None = None
    upstream: int = field(default_factory=ports.pick_free)
    upstream_of_workers: int | None = None
    database: str | None = None  # the URL of a PostgreSQL; None: SQLite in the directory
    database_of_parts: str | None = None


@dataclass
class Process:
    """One part; everything that it prints is in its log file."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> int:
        """End it as an operator does, and return its exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        try:
            return self.popen.wait(STOP_SECS)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            return self.popen.wait()

    def output(self) -> str:
        """Return its output so far."""
        return self.log.read_text(errors="replace")


@dataclass
class Stack:
    """The running parts and their addresses."""

    directory: Path
    upstream: Upstream
    env: dict[str, str]
    web_port: int
    ways: Ways
    processes: dict[str, Process] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The URL of the page."""
        return f"http://127.0.0.1:{self.web_port}"

    def start(self, name: str, *command: str, **env: str) -> Process:
        """Start a part."""
        log = self.directory / f"{name}.log"
        with log.open("ab") as output:
            popen = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.env | env,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.processes[name] = Process(name, popen, log)
        return self.processes[name]

    def run(self, *arguments: str) -> str:
        """Run Python to its end with the environment of the parts, and return what it printed."""
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, check=True, timeout=60)
        return done.stdout.decode()

    def redis(self, *command: str | bytes) -> Any:
        """Send one command to Redis, and return its reply."""
        with redis.Redis.from_url(self.env["REDIS_URL"]) as client:
            return client.execute_command(*command)

    def revoke(self, response_id: str) -> None:
        """Revoke a task as Flower does."""
        self.run("-m", "celery", "-A", "project", "control", "revoke", response_id)

    def take_tasks(self, *workers: str, yes: bool) -> None:
        """Make workers take tasks, or stop taking any."""
        command = "add_consumer" if yes else "cancel_consumer"
        names = ",".join(f"{worker}@test" for worker in workers)
        self.run("-m", "celery", "-A", "project", "control", "-d", names, command, "responses")

    def holder(self, response_id: str) -> str:
        """Return the name of the worker that has claimed a response."""
        heartbeat = json.loads(self.redis("GET", f"worker:{self.row(response_id)['worker']}"))
        return str(heartbeat["name"]).removesuffix("@test")

    def start_redis(self) -> Process:
        """Start Redis, with its previous data."""
        return self.start("redis", *valkey.command(self.ways.redis, self.directory))

    def start_worker(self, name: str) -> Process:
        """Start a worker; `readyz` counts it when it is alive."""
        command = (sys.executable, "-m", "celery", "-A", "project", "worker", "-n", f"{name}@test")
        return self.start(name, *command, REDIS_URL=valkey.url(self.ways.redis_of_workers or self.ways.redis))

    def start_web(self) -> Process:
        """Start the web server."""
        redis_url = valkey.url(self.ways.redis_of_web or self.ways.redis)
        return self.start("web", *web_command(self.web_port), REDIS_URL=redis_url)

    def start_flower(self, *options: str, **env: str) -> str:
        """Start Flower, and return its address once it answers."""
        port = ports.pick_free()
        command = (sys.executable, "-m", "celery", "-A", "project", "flower", f"--port={port}")
        self.start("flower", *command, f"--address={ports.HOST}", *options, **env)
        url = f"http://{ports.HOST}:{port}"
        wait_until(lambda: answers(f"{url}/healthcheck"), START_SECS, "Flower answers")
        return url

    def readyz(self) -> dict[str, Any]:
        """Return the parts in `/readyz`; nothing while the web server does not answer."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz") as reply:
                return dict(json.load(reply)["parts"])
        except (URLError, ConnectionError) as error:
            return dict(json.load(error)["parts"]) if isinstance(error, HTTPError) else {}

    def wait_for_workers(self, count: int) -> None:
        """Wait until everything is ready, with this many workers."""
        wait_until(
            lambda: self.readyz().get("workers", {}).get("alive") == count,
            START_SECS,
            f"{count} workers are alive",
        )

    def row(self, response_id: str) -> dict[str, Any]:
        """Return a row of the table of responses."""
        if self.ways.database is None:
            (found,) = self._select(
                "SELECT * FROM tailrace_response WHERE id = ?", response_id.replace("-", "")
            )
            return dict(found)
        query = "SELECT * FROM tailrace_response WHERE id = %s"
        with psycopg.connect(self.ways.database, row_factory=dict_row) as database:
            (row,) = database.execute(query, [response_id]).fetchall()
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

    def _select(self, query: str, *values: str) -> list[sqlite3.Row]:
        with closing(sqlite3.connect(self.directory / "db.sqlite3")) as database:
            database.row_factory = sqlite3.Row
            return database.execute(query, values).fetchall()

    def stop(self) -> None:
        """Stop every part that still runs, the last started first."""
        for process in reversed(list(self.processes.values())):
            process.stop()


@contextmanager
def running(
    directory: Path, models: list[str], workers: int = 2, ways: Ways | None = None, **env: str
) -> Iterator[Stack]:
    """Run a whole Tailrace, ready: its models are the upstream's, by these names, or as `name=model`.

    With TAILRACE_STATIC_ROOT, static files are served as in a deployment: hashed and compressed.
    """
    ways = ways or Ways()
    with ExitStack() as stack:
        upstream = stack.enter_context(Upstream.start(api_key="upstream-key", port=ways.upstream))
        base_url = f"http://127.0.0.1:{ways.upstream_of_workers or ways.upstream}/v1"
        catalog = directory / "models.toml"
        catalog.write_text("".join(_entry(model, base_url) for model in models))
        settings = {
            "REDIS_URL": valkey.url(ways.redis),
            "TAILRACE_DATA_DIR": str(directory),
            "TAILRACE_MODELS": str(catalog),
            "UPSTREAM_KEY": "upstream-key",
            "PYTHONUNBUFFERED": "1",
        }
        if ways.database is not None:
            settings["DATABASE_URL"] = ways.database_of_parts or ways.database
        parts = Stack(directory, upstream, {**os.environ, **settings, **env}, ports.pick_free(), ways)
        stack.callback(parts.stop)
        parts.start_redis()
        parts.run("manage.py", "migrate", "-v0")
        if "TAILRACE_STATIC_ROOT" in env:
            parts.run("manage.py", "collectstatic", "--noinput", "-v0")
        parts.start_web()
        for number in range(1, workers + 1):
            parts.start_worker(f"worker{number}")
        parts.wait_for_workers(workers)
        yield parts


def _entry(model: str, base_url: str) -> str:
    name, _, model = model.rpartition("=")
    return f"""
[[models]]
name = "{name or model}"
base_url = "{base_url}"
key_env = "UPSTREAM_KEY"
upstream_model = "{model}"
resume = "{"continue" if "continued" in model else "restart"}"
[models.deadlines]
first_token = {2 if "impatient" in model else 30}
between_tokens = {2 if "impatient" in model else 30}
"""

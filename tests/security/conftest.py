"""Systems to attack: a web server alone, and a Tailrace with the default limits, on each database."""

import json
import os
import shutil
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from project.up.parts import web_command
from project.up.ports import HOST
from tests.harness import postgres
from tests.harness.processes import Process, cpu_secs, free_port
from tests.harness.shared_stack import shared_stack
from tests.harness.stack import (
    CELERY,
    DEPLOYED,
    MODELS,
    START_SECS,
    Stack,
    Ways,
    answers,
    migrated,
    running,
)
from tests.harness.waiting import wait_until

RUNNING, WAITING = 2, 5  # of a guest, the defaults
SOCKETS = 20  # of a user, the default
CONCURRENCY = 2  # of the one worker: a guest can take all of it
HASTE_SECS = 2
REDIS_PASSWORD = "canary-of-redis"
OBSERVED = "canary@test"
LARGE_FILE, LARGE_FILE_BYTES = "large.bin", 20_000_000


@dataclass
class Web:
    """A running web server."""

    process: Process
    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def memory_mb(self) -> float:
        """Return its resident memory."""
        status = Path(f"/proc/{self.process.popen.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1024

    def cpu_secs(self) -> float:
        """Return the CPU time that it has used."""
        return cpu_secs(self.process.popen.pid)


Start = Callable[..., Web]
stack = pytest.fixture(scope="package")(shared_stack)


@pytest.fixture(scope="package")
def start_web(
    tmp_path_factory: pytest.TempPathFactory, static_files: Path, valkey_url: str
) -> Iterator[Start]:
    """Start web servers, with a command in front of the usual one."""
    directory = tmp_path_factory.mktemp("web")
    (directory / "db.sqlite3").write_bytes(migrated())
    settings = {
        **DEPLOYED,
        "TAILRACE_DATA_DIR": str(directory),
        "TAILRACE_STATIC_ROOT": str(static_files),
        "REDIS_URL": valkey_url,
        "PYTHONUNBUFFERED": "1",
    }
    started: list[Web] = []

    def start(*before: str, module: str | None = None, root: str = "", **env: str) -> Web:
        port = free_port()
        command = (*before, *web_command(port), f"--root-path={root}")
        if module is not None:
            command = (sys.executable, "-m", module, f"--port={port}", "project.asgi:application")
        log = directory / f"web{len(started)}.log"
        process = Process(log, command, {**os.environ, **settings, **env})
        started.append(Web(process.start(), port))
        process.wait_until(lambda: answers(f"{started[-1].url}/healthz"))
        return started[-1]

    yield start
    for web in started:
        web.process.kill()


@pytest.fixture(scope="package")
def web(start_web: Start) -> Web:
    """A web server as deployed."""
    return start_web()


@pytest.fixture(scope="package")
def rooted(start_web: Start) -> Web:
    """A web server under a path of its host."""
    return start_web(root="/x")


@pytest.fixture(scope="package")
def hasty(start_web: Start, static_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Web:
    """A web server with deadlines of HASTE_SECS, and a file larger than the kernel's buffers."""
    root = tmp_path_factory.mktemp("hasty") / "static"
    shutil.copytree(static_files, root)
    with (root / LARGE_FILE).open("wb") as file:
        file.truncate(LARGE_FILE_BYTES)
    command = (sys.executable, "-m", "tests.security.hasty", str(HASTE_SECS))
    return start_web(*command, TAILRACE_STATIC_ROOT=str(root))


@pytest.fixture(scope="package", params=["sqlite", "postgres"])
def bounded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, static_files: Path
) -> Iterator[Stack]:
    """One small worker, so that a queue is soon long."""
    env = {
        **DEPLOYED,
        "TAILRACE_STATIC_ROOT": str(static_files),
        "TAILRACE_GUEST_MAX_RUNNING": str(RUNNING),
        "TAILRACE_GUEST_MAX_WAITING": str(WAITING),
        "TAILRACE_MAX_SOCKETS": str(SOCKETS),
        "TAILRACE_CONCURRENCY": str(CONCURRENCY),
    }
    with ExitStack() as parts:
        ways = Ways()
        if request.param == "postgres":
            ways = Ways(database=parts.enter_context(postgres.running("tailrace", "secret")).url)
        directory = tmp_path_factory.mktemp(f"bounded-{request.param}")
        yield parts.enter_context(running(directory, 1, ways, MODELS, **env))


@pytest.fixture(scope="package")
def redis_with_password(stack: Stack) -> str:
    """The Redis of the stack, as a user with a password."""
    stack.redis("ACL", "SETUSER", "canary", "on", f">{REDIS_PASSWORD}", "~*", "&*", "+@all")
    return stack.env["REDIS_URL"].replace("//", f"//canary:{REDIS_PASSWORD}@")


@pytest.fixture(scope="package")
def flower(stack: Stack, redis_with_password: str) -> Iterator[str]:
    """Flower, and a worker that it shows, with a queue of no model: other tests count workers."""
    command = (*CELERY, "worker", "-n", OBSERVED, "-Q", "observed")
    worker = stack.start("canary", *command, REDIS_URL=redis_with_password)
    url = stack.start_flower(REDIS_URL=redis_with_password, FLOWER_UNAUTHENTICATED_API="true")
    wait_until(lambda: "conf" in shown_workers(url).get(OBSERVED, {}), START_SECS, "Flower knows the worker")
    yield url
    stack.processes["flower"].stop()
    worker.stop()


def shown_workers(url: str) -> dict[str, dict[str, object]]:
    """Return the workers that Flower shows."""
    with urllib.request.urlopen(f"{url}/api/workers?refresh=1") as reply:
        return dict(json.load(reply))

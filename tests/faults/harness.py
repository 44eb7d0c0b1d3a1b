"""A whole Tailrace with a proxy on each connection between its parts, and the faults to inject."""

import os
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from project.up import ports
from tests.faults.proxy import Proxy
from tests.harness.stack import Process, Stack, Ways, running
from tests.harness.waiting import wait_until

AWAKE_SECS = 30  # from the start of a part to its first answer, on a busy machine


@dataclass
class Harness:
    """The parts and the proxies between them. Its methods block: in an event loop, call them in a thread."""

    stack: Stack
    web_to_redis: Proxy
    workers_to_redis: Proxy
    workers_to_upstream: Proxy
    workers: list[str] = field(default_factory=list)  # the names of those that should run
    started_workers: int = 0
    lost_periods: list[tuple[float, float]] = field(default_factory=list)  # missing in older data (Unix secs)
    _backed_up_at: float = 0

    @property
    def proxies(self) -> tuple[Proxy, ...]:
        """All proxies."""
        return (self.web_to_redis, self.workers_to_redis, self.workers_to_upstream)

    def start_worker(self) -> str:
        """Start one more worker, and return its name."""
        self.started_workers += 1
        name = f"worker{self.started_workers}"
        self.stack.start_worker(name)
        self.workers.append(name)
        return name

    def wait_for_worker(self, name: str) -> None:
        """Wait until a worker takes tasks; `readyz` would also count one that has just died."""
        process = self.stack.processes[name]
        wait_until(lambda: f"{name}@test ready" in process.output(), AWAKE_SECS, f"{name} takes tasks")

    def kill_holder(self, response_id: str) -> None:
        """Kill the worker that has claimed a response."""
        self.kill_worker(self.stack.holder(response_id))

    def kill_worker(self, name: str) -> None:
        """Kill a worker, as the kernel does when memory is short."""
        self.workers.remove(name)
        kill(self.stack.processes[name])

    def stop_worker(self, name: str) -> int:
        """Stop a worker as an operator does, and return its exit code."""
        self.workers.remove(name)
        return self.stack.processes[name].stop()

    def kill_web(self) -> None:
        """Kill the web server."""
        kill(self.stack.processes["web"])

    def start_web(self) -> None:
        """Start the web server again, and wait until it answers."""
        self.stack.start_web()
        wait_until(self.stack.readyz, AWAKE_SECS, "the web server answers")

    def kill_redis(self) -> None:
        """Kill Redis; every write that it confirmed is in its file."""
        kill(self.stack.processes["redis"])

    def start_redis(self) -> None:
        """Start Redis again, and wait until it answers."""
        self.stack.start_redis()
        wait_until(self._redis_answers, AWAKE_SECS, "Redis answers")

    def _redis_answers(self) -> bool:
        try:
            return bool(self.stack.redis("PING"))
        except redis.RedisError:
            return False

    def delete_data(self) -> None:
        """Delete the data of a killed Redis."""
        shutil.rmtree(self._data)

    def back_up_data(self) -> None:
        """Copy the data that Redis has on disk now."""
        self._backed_up_at = time.time()
        shutil.copytree(self._data, self._older, dirs_exist_ok=True)

    def restore_older_data(self) -> None:
        """Give a killed Redis the copied data, without anything written since."""
        self.delete_data()
        self._older.rename(self._data)
        self.lost_periods.append((self._backed_up_at, time.time()))

    @property
    def _data(self) -> Path:
        return self.stack.directory / "appendonlydir"

    @property
    def _older(self) -> Path:
        return self.stack.directory / "older"

    def freeze(self, name: str) -> None:
        """Suspend a part with SIGSTOP."""
        os.kill(self.stack.processes[name].popen.pid, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Resume a part."""
        os.kill(self.stack.processes[name].popen.pid, signal.SIGCONT)

    @contextmanager
    def locked_database(self) -> Iterator[None]:
        """Hold the write lock of the database during the block."""
        with closing(sqlite3.connect(self.stack.directory / "db.sqlite3", isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            yield
            database.execute("ROLLBACK")


def kill(process: Process) -> None:
    """Kill a process."""
    process.popen.kill()
    process.popen.wait()


@contextmanager
def start_harness(directory: Path, models: list[str], workers: int = 2, **env: str) -> Iterator[Harness]:
    """Run a whole Tailrace behind proxies, ready."""
    redis, upstream, web_redis, workers_redis, workers_upstream = _free_ports(5)
    ways = Ways(redis, web_redis, workers_redis, upstream, workers_upstream)
    with ExitStack() as stack:
        to_redis = stack.enter_context(Proxy.to(redis, web_redis))
        workers_to_redis = stack.enter_context(Proxy.to(redis, workers_redis))
        workers_to_upstream = stack.enter_context(Proxy.to(upstream, workers_upstream))
        parts = stack.enter_context(running(directory, models, workers, ways, **env))
        harness = Harness(parts, to_redis, workers_to_redis, workers_to_upstream)
        harness.workers = [f"worker{number}" for number in range(1, workers + 1)]
        harness.started_workers = workers
        yield harness


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """A directory for a manual run: removed on success, kept with its logs on failure."""
    directory = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    try:
        yield directory
    except BaseException:
        print(f"the logs of the parts are in {directory}")  # noqa: T201 - for the developer
        raise
    shutil.rmtree(directory)


def _free_ports(count: int) -> list[int]:
    taken: list[int] = []
    while len(taken) < count:
        taken.append(ports.pick_free(excluded=frozenset(taken)))
    return taken

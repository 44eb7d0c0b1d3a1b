"""A whole Tailrace with a proxy on each connection between its parts, and the faults to inject."""

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.proxy import Proxy
from tests.harness.processes import free_port
from tests.harness.stack import MODELS, Stack, Ways, running

WITHOUT_FALLBACKS = {"DJANGO_SETTINGS_MODULE": "tests.faults.without_fallbacks"}


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
        process.wait_until(lambda: f"{name}@test ready" in process.output())

    def kill_holder(self, response_id: str) -> None:
        """Kill the worker that has claimed a response."""
        self.kill_worker(self.stack.holder(response_id))

    def kill_worker(self, name: str) -> None:
        """Kill a worker."""
        self.workers.remove(name)
        self.stack.processes[name].kill()

    def stop_worker(self, name: str) -> int:
        """Stop a worker as an operator does, and return its exit code."""
        self.workers.remove(name)
        return self.stack.processes[name].stop()

    def start_web(self) -> None:
        """Start the web server again, and wait until it answers."""
        self.stack.start_web().wait_until(self.stack.readyz)

    def mend(self) -> None:
        """End every fault that a failed test may have left."""
        for process in self.stack.processes.values():
            if process.is_running:
                process.thaw()
        for proxy in (self.web_to_redis, self.workers_to_redis, self.workers_to_upstream):
            proxy.mend()
        self.stack.redis("CONFIG", "SET", "maxmemory", "0")

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

    @contextmanager
    def locked_database(self) -> Iterator[None]:
        """Hold the write lock of the database during the block."""
        with closing(sqlite3.connect(self.stack.directory / "db.sqlite3", isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            yield
            database.execute("ROLLBACK")


@contextmanager
def start_harness(directory: Path, workers: int = 2, **env: str) -> Iterator[Harness]:
    """Run a whole Tailrace behind proxies, ready."""
    redis, upstream = free_port(), free_port()
    with Proxy.to(redis) as web, Proxy.to(redis) as worker, Proxy.to(upstream) as model:
        ways = Ways(redis, web.port, worker.port, upstream, model.port)
        with running(directory, workers, ways, MODELS, **env) as stack:
            names = [f"worker{number}" for number in range(1, workers + 1)]
            yield Harness(stack, web, worker, model, names, workers)


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

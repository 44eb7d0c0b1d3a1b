"""A Valkey that a test can kill, freeze and restart, on the same port and with its data."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_django import Settings
from redis import Redis, RedisError

from project.up import ports, valkey
from tests.harness.waiting import wait_until

STOP_SECS = 10


class OwnValkey:
    """The server. Its methods block: in an event loop, call them in a thread."""

    def __init__(self, data_dir: Path, port: int | None = None) -> None:
        port = port or ports.pick_free()
        self._command = valkey.command(port, data_dir)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = valkey.url(port)

    def start(self) -> None:
        """Start it, and return when it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        with Redis.from_url(self.url) as client:
            wait_until(lambda: _answers(client), 10, "Valkey answers")

    def freeze(self) -> None:
        """Suspend it: it accepts connections and does not reply; `kill` still ends it."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume it."""
        self._send(signal.SIGCONT)

    def stop(self) -> int:
        """Stop it with SIGTERM, and return its exit code."""
        self._send(signal.SIGTERM)
        assert self._process is not None
        return self._process.wait(STOP_SECS)

    def kill(self) -> None:
        """Kill it, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


def use(settings: Settings, url: str) -> None:
    """Point Django at this Redis: the log, the heartbeats and the channel layer."""
    settings.TAILRACE_REDIS_URL = url
    layer = settings.CHANNEL_LAYERS["default"] | {"CONFIG": {"hosts": [url]}}
    settings.CHANNEL_LAYERS = {"default": layer}


@contextmanager
def running(data_dir: Path, port: int | None = None) -> Iterator[OwnValkey]:
    """Run a Valkey until the block ends."""
    own = OwnValkey(data_dir, port)
    try:
        own.start()
        yield own
    finally:
        own.kill()


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False

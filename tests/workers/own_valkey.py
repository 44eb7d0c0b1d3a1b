"""A Valkey that can be killed, frozen and started again, on the same port and with its data."""

import signal
import subprocess
from pathlib import Path

from redis import Redis, RedisError

from project.up import ports, valkey
from tests.waiting import wait_until


class OwnValkey:
    """Its calls block: from an event loop, call them in a thread."""

    def __init__(self, data_dir: Path) -> None:
        self._port = ports.pick_free()
        self._command = valkey.command(self._port, data_dir)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = valkey.url(self._port)

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        with Redis(port=self._port) as client:
            wait_until(lambda: _answers(client), 10, "Valkey answers")

    def freeze(self) -> None:
        """From now on it takes connections and says nothing; `kill` still ends it."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False

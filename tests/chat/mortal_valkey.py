"""A Valkey that the test may end or stop."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from project.up import valkey
from tests.waiting import wait_until


@contextmanager
def running(port: int, data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Valkey that lives as long as the block."""
    with subprocess.Popen(valkey.command(port, data_dir), stdout=subprocess.DEVNULL) as process:
        try:
            with redis.Redis(port=port) as client:
                wait_until(lambda: _answers(client), 10, "Valkey answers")
            yield process
        finally:
            process.kill()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False

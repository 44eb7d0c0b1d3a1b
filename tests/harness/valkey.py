"""A Valkey that a test can kill, freeze and restart, on the same port and with its data."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from pytest_django import Settings
from redis import Redis, RedisError

from project.up import valkey
from tests.harness.processes import Process, free_port


class OwnValkey(Process):
    """The server. Its methods block: in an event loop, call them in a thread."""

    def __init__(self, data_dir: Path, port: int | None = None) -> None:
        port = port or free_port()
        super().__init__(data_dir / "redis.log", valkey.command(port, data_dir))
        self.url = valkey.url(port)

    def start(self) -> Self:
        """Start it, and return when it answers."""
        return super().start().wait_until(lambda: answers(self.url))


def use(settings: Settings, url: str) -> None:
    """Point Django at this Redis: the log, the heartbeats and the channel layer."""
    settings.TAILRACE_BROKER_URL = settings.TAILRACE_LOG_URL = settings.TAILRACE_LAYER_URL = url
    config = {"hosts": [url], "prefix": settings.TAILRACE_PREFIX}
    layer = settings.CHANNEL_LAYERS["default"] | {"CONFIG": config}
    settings.CHANNEL_LAYERS = {"default": layer}


@contextmanager
def running(data_dir: Path, port: int | None = None) -> Iterator[OwnValkey]:
    """Run a Valkey until the block ends."""
    own = OwnValkey(data_dir, port)
    try:
        yield own.start()
    finally:
        own.kill()


def answers(url: str) -> bool:
    """Whether a Redis answers."""
    try:
        with Redis.from_url(url) as client:
            return bool(client.ping())
    except RedisError:
        return False

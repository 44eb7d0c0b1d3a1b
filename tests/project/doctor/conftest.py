"""A Valkey of a test's own, that may be set up badly, and a look at what was found."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings
from redis import Redis

from tests.harness.valkey import OwnValkey, running


@pytest.fixture
def own_valkey(tmp_path: Path, settings: Settings) -> Iterator[OwnValkey]:
    """Set up well, with Django's settings pointed at it."""
    folder = tmp_path / "valkey"
    folder.mkdir()
    with running(folder) as own:
        settings.TAILRACE_REDIS_URL = own.url
        yield own


@pytest.fixture
def redis(own_valkey: OwnValkey) -> Iterator[Redis]:
    """That Valkey, for whoever sets it up."""
    with Redis.from_url(own_valkey.url, decode_responses=True) as client:
        yield client

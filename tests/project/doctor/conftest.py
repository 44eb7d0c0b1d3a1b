"""A separate Valkey, which the test may configure badly, and a scripted upstream."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings
from redis import Redis

from tests.harness.upstream import Upstream
from tests.harness.valkey import OwnValkey, running, use


@pytest.fixture
def own_valkey(tmp_path: Path, settings: Settings) -> Iterator[OwnValkey]:
    """A well configured Valkey, with Django's settings pointed at it."""
    folder = tmp_path / "valkey"
    folder.mkdir()
    with running(folder) as own:
        use(settings, own.url)
        yield own


@pytest.fixture
def redis(own_valkey: OwnValkey) -> Iterator[Redis]:
    """A client of that Valkey, to configure it."""
    with Redis.from_url(own_valkey.url, decode_responses=True) as client:
        yield client


@pytest.fixture(scope="package")
def upstream() -> Iterator[Upstream]:
    with Upstream.start() as running:
        yield running

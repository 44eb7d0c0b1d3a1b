"""Shared by the tests of the workers: the scripted upstream, and a Valkey for a single test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from channels.layers import get_channel_layer
from pytest_django import Settings

from chat.transport import redis_client
from chat.transport.event_log import Log
from tests.harness.upstream import Upstream
from tests.harness.valkey import OwnValkey, running, use
from tests.workers.relay import Relay


@pytest.fixture(scope="session")
def upstream() -> Iterator[Upstream]:
    with Upstream.start() as running:
        yield running


@pytest.fixture
async def log(redis_url: str) -> AsyncIterator[Log]:
    """The logs behind the session's Valkey, all gone."""
    yield Log(redis_client.client())
    await get_channel_layer().flush()


@pytest.fixture
async def relay(redis_url: str, settings: Settings) -> AsyncIterator[Relay]:
    """The way to that Valkey for the log, not for the channel layer."""
    await redis_client.close()
    async with Relay.to(redis_url) as relay:
        settings.TAILRACE_LOG_URL = relay.url
        yield relay
        await redis_client.close()
        await get_channel_layer().flush()


@pytest.fixture
def started_valkey(tmp_path: Path) -> Iterator[OwnValkey]:
    """A Valkey of the test's own; to start it blocks, so that is done on no event loop."""
    with running(tmp_path) as own:
        yield own


@pytest.fixture
async def own_valkey(started_valkey: OwnValkey, settings: Settings) -> AsyncIterator[OwnValkey]:
    """A Valkey that the test may stop and start, with Django's settings pointed at it."""
    use(settings, started_valkey.url)
    yield started_valkey
    await get_channel_layer().flush()
    await redis_client.close()

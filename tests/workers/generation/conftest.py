"""Attempts and publishers that run beside a test."""

from collections.abc import AsyncIterator

import pytest

from chat.transport.event_log import Log
from tests.workers.publishing import publishing
from tests.workers.targets import generating
from workers.generation import flush_schedule
from workers.generation.attempts import Attempts
from workers.generation.publisher import Publisher


@pytest.fixture
async def attempts(log: Log) -> AsyncIterator[Attempts]:
    async with generating(log) as attempts:
        yield attempts


@pytest.fixture
async def publisher(log: Log) -> AsyncIterator[Publisher]:
    async with publishing(log) as publisher:
        yield publisher


@pytest.fixture
def _long_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text that is not flushed at once waits for longer than any test."""
    monkeypatch.setattr(flush_schedule, "MIN_INTERVAL_SECS", 600)
    monkeypatch.setattr(flush_schedule, "MAX_INTERVAL_SECS", 600)


@pytest.fixture
def _quick_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed flush is retried soon."""
    monkeypatch.setattr(flush_schedule, "RETRY_SECS", 0.05)

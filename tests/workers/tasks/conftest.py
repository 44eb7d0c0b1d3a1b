"""The runtime of this process, on an empty Valkey, and rows for its tasks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from pytest_django import Settings
from redis import Redis

from chat.ids import new_id
from chat.models import Response
from chat.responses.model_catalog import catalog
from tests.harness.upstream import Upstream
from tests.harness.valkey import use
from tests.workers.tasks.rows import stored
from workers.runtime import runtime


@pytest.fixture(autouse=True)
def _runtime(valkey_url: str, settings: Settings) -> Iterator[None]:
    """The process's own runtime, for one test, beside an empty Valkey."""
    use(settings, valkey_url)
    with Redis.from_url(valkey_url) as redis:
        redis.flushall()
    yield
    runtime.stop()


@pytest.fixture
def redis(valkey_url: str) -> Iterator[Redis]:
    with Redis.from_url(valkey_url, decode_responses=True) as client:
        yield client


@pytest.fixture
def asked(upstream: Upstream, settings: Settings) -> Any:
    """Ask the scripted upstream: a function that stores a row whose model behaves so."""

    def ask(behaviour: str, **fields: Any) -> Response:
        settings.TAILRACE_OPENAI_BASE_URL = upstream.base_url
        settings.TAILRACE_OPENAI_MODEL = f"[{behaviour}] {new_id().hex}"
        catalog.cache_clear()
        return stored(settings.TAILRACE_OPENAI_MODEL, **fields)

    return ask


@pytest.fixture
def celery_thread() -> Iterator[ThreadPoolExecutor]:
    """A thread as Celery's pool has them; it closes its own database connection at its end."""
    with ThreadPoolExecutor(1, "celery") as pool:
        yield pool
        pool.submit(connections.close_all).result()

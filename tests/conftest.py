"""Parts that many tests share: a real Valkey with Django pointed at it, and a whole running Tailrace."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import kombu.pools
import pytest
from django.contrib.auth.models import User
from hypothesis import settings as hypothesis_settings
from pytest_django import Settings

from chat.responses import model_catalog
from chat.transport import redis_client
from project.celery import app as celery_app
from tests.harness import valkey
from tests.harness.broker import Broker
from tests.harness.stack import DEPLOYED, Stack, running
from tests.harness.valkey import use

# no example has a deadline: the machine may be busy
hypothesis_settings.register_profile("unhurried", hypothesis_settings(), deadline=None)
hypothesis_settings.load_profile("unhurried")

MODELS = [
    "words-30@60",  # the default
    "words-5",
    "words-20",
    "words-40@20",
    "words-200@40:stopped",
    "stall-after-5@50:stopped",
    "no-reply:stopped",
    "words-40@40:spread",
    "words-80@10:canary",
    "echo",
    "spell@100",
    "article-300",
    "mill-large=article-246",
    "reasoning-20+article-100@20",
    "reasoning-20+article-300@20",
    "article-4000@500",
    "article-20000@500",
    "spell:at-once",
    "reasoning-10+words-10@100",
    "length-10",
    "words-40@20:reload",
    "words-300@20:page-stop",
    "words-150+hold-after-140@20:reloaded",
    "words-40+hold-after-10",
    "words-40+hold-after-10+times-1",
    "words-80+hold-after-10",
    "status-401",
    "status-404",
    "status-429",
    "status-503",
    "html",
    "huge-line-2",
    "cut-after-5",
    "drop-after-5",
    "reset-after-5",
    "bad-json-after-5",
    "bad-utf8-after-5",
    "error-in-stream-after-5",
    "split-utf8+words-5+cut-after-5",
    "stall-first:impatient",
    "stall-after-5:impatient",
    "comments-only:impatient",
    "comments-after-5:impatient",
    "empty-after-5:impatient",
    "stall-last",
    "retry-after-60",
    "retry-after-2+times-1",
    "retry-after-10+times-1:page",
    "retry-after-15:stopped",
    "echo@100:answering",
    "words-400+hold-after-200:answering",
    "reasoning-10+words-30+hold-after-5:answering",
    "words-30+hold-after-10@20:answering",
    "cut-after-5+times-1:answering",
    "wait-1+words-80+hold-after-10+times-1:continued-answering",
]


# the folders whose files take longest: they run first, so that short ones fill the end
SLOW = ("faults", "e2e", "browser", "project/up", "project/doctor", "deploy", "bench")


def pytest_xdist_auto_num_workers() -> int:
    """Run two files at a time on each core: most of the slow tests wait."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the slow files first."""
    folders = [Path(__file__).parent / name for name in SLOW]
    items.sort(key=lambda item: not any(map(item.path.is_relative_to, folders)))


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Valkey that runs for the whole session."""
    with valkey.running(tmp_path_factory.mktemp("valkey")) as own:
        yield own.url


@pytest.fixture
async def redis_url(valkey_url: str, settings: Settings) -> AsyncIterator[str]:
    """The same Valkey, empty, with Django's settings pointed at it; for async tests."""
    use(settings, valkey_url)
    await redis_client.client().flushall()
    yield valkey_url
    await redis_client.close()


@pytest.fixture
def broker(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """Celery's broker, on the same Valkey."""
    monkeypatch.setattr(celery_app.conf, "broker_url", valkey_url)
    _forget_connections()
    yield Broker(valkey_url)
    _forget_connections()


def _forget_connections() -> None:
    """Reset Celery's connections, which it keeps for the process: each test has its own broker."""
    kombu.pools.reset()
    celery_app._pool = None  # type: ignore[attr-defined]  # no way to reset
    celery_app.amqp._producer_pool = None  # type: ignore[attr-defined]  # no way to reset


@pytest.fixture(autouse=True)
def _fresh_catalog() -> Iterator[None]:
    """Reset the catalog, so that the settings of one test do not leak into the next."""
    model_catalog.catalog.cache_clear()
    yield
    model_catalog.catalog.cache_clear()


@pytest.fixture
def owner(db: None) -> User:
    """A user."""
    return User.objects.create_user("owner")


@pytest.fixture
def static_root(settings: Settings, tmp_path: Path) -> None:
    """An existing STATIC_ROOT: WhiteNoise warns of a missing directory."""
    settings.STATIC_ROOT = tmp_path


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Web server, two workers, Valkey and the scripted upstream, as separate processes, as deployed."""
    directory = tmp_path_factory.mktemp("stack")
    env = {**DEPLOYED, "TAILRACE_STATIC_ROOT": str(directory / "static")}
    with running(directory, MODELS, 2, None, **env) as parts:
        yield parts


SYSTEMS = {"bench", "browser", "deploy", "e2e", "faults"}  # folders whose tests run a whole Tailrace


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of those folders out of the fast tier, `just test`."""
    for item in items:
        if SYSTEMS & set(item.path.relative_to(Path(__file__).parent).parts):
            item.add_marker(pytest.mark.system)

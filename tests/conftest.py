"""Parts that many tests share: a real Valkey with Django pointed at it, static files, forks of programs."""

import gc
import importlib.metadata
import os
from collections.abc import AsyncIterator, Generator, Iterator
from functools import cache
from pathlib import Path
from threading import Barrier
from typing import Any
from unittest.mock import patch

import kombu.pools
import pytest
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.test import override_settings
from filelock import FileLock
from hypothesis import settings as hypothesis_settings
from pytest_django import Settings

from chat.responses import model_catalog
from chat.transport import job_queue, redis_client
from project.celery import app as celery_app
from project.up import environment
from project.up import valkey as embedded
from project.up.errors import LocalError
from tests.harness import processes, valkey
from tests.harness.broker import Broker
from tests.harness.forks import ForkServer
from tests.harness.scheduling import FAST, WAITING, WORKING, Affinity
from tests.harness.skips import skip_without
from tests.harness.stack import collect_static
from tests.harness.valkey import use

# no example has a deadline: the machine may be busy. CI tries the usual number of them
EXAMPLES = 100 if os.environ.get("CI") else 30
hypothesis_settings.register_profile("unhurried", deadline=None, max_examples=EXAMPLES)
hypothesis_settings.load_profile("unhurried")


os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # each of some hundred processes would compile every module
# pytest looks one up for each test, redis-py for each connection: 1 ms each time
importlib.metadata.version = cache(importlib.metadata.version)

# folders whose tests run a whole Tailrace
SYSTEMS = ("faults", "e2e", "browser", "deploy", "security", "bench", "sdk")
# they run first: those that share a system which few processes start, then the longest before the others
SLOW = (
    "browser",
    "faults/test_programs.py",
    "e2e/test_sockets.py",
    "faults/test_workers.py",
    "faults/test_redis.py",
    "faults/test_nemesis.py",
    "faults/test_background_runs.py",
    "faults/test_readers.py",
    "sdk",
    "security",
    "e2e/test_up.py",
    "bench",
    "project/up",
    "faults",
    "deploy",
    "e2e",
    "project/doctor",
)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Run a few more files at a time than there are cores; with the slow ones, which wait, four on each."""
    return FAST if config.option.markexpr == "not slow" else WAITING + WORKING


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Affinity:
    """Gather the files that share a system."""
    return Affinity(config, log)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import nothing of the whole systems for the fast tier: each process would do so."""
    is_system = collection_path.parent == Path(__file__).parent and collection_path.name in SYSTEMS
    return True if is_system and config.option.markexpr == "not slow" else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep whole systems out of the fast tier, `just test`."""
    if _is_of_a_system(item.path):
        item.add_marker(pytest.mark.slow)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the slow files first."""
    items.sort(key=lambda item: _rank(item.path))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage meanwhile, and keep modules and tests out of later passes: each took 300 ms.

    Later passes are few: they took 7 % of the time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        gc.set_threshold(50_000, 50, 50)


@cache
def _is_of_a_system(file: Path) -> bool:
    return any(_is_in(file, folder) for folder in SYSTEMS)


@cache
def _rank(file: Path) -> int:
    return next((at for at, place in enumerate(SLOW) if _is_in(file, place)), len(SLOW))


def _is_in(file: Path, place: str) -> bool:
    return file.is_relative_to(Path(__file__).parent / place)


@pytest.fixture(autouse=True, scope="session")
def _fast_flush() -> Iterator[None]:
    """Make no permissions after each transactional test: no test needs them, and it took 12 ms each."""
    with patch("django.core.management.commands.flush.emit_post_migrate_signal", _forget_content_types):
        yield


def _forget_content_types(*_: Any) -> None:
    ContentType.objects.clear_cache()


@pytest.fixture(autouse=True, scope="session")
def _forks(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[None]:
    """Start programs as forks of one server for all processes of the run."""
    own = tmp_path_factory.getbasetemp()
    place = (own if worker_id == "master" else own.parent) / "forks"
    with patch.object(processes, "forks", ForkServer(place=place)) as forks:
        yield
        forks.close()


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Valkey that runs for the whole session."""
    with valkey.running(tmp_path_factory.mktemp("valkey")) as own:
        yield own.url


@pytest.fixture
async def redis_url(valkey_url: str, settings: Settings) -> AsyncIterator[str]:
    """The same Valkey, empty, with Django's settings pointed at it; for async tests."""
    use(settings, valkey_url)
    _await_late_messages()
    await redis_client.client().flushall()
    yield valkey_url
    await redis_client.close()


def _await_late_messages() -> None:
    """Wait until no thread sends a message any more: an earlier test need not have waited for its own."""
    all_free = Barrier(job_queue.THREADS._max_workers + 1)
    for _ in range(all_free.parties - 1):
        job_queue.THREADS.submit(all_free.wait)
    all_free.wait()


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


@pytest.fixture(autouse=True)
def _fresh_content_types() -> None:
    """Forget the content types that an earlier test made in its transaction."""
    ContentType.objects.clear_cache()


@pytest.fixture(autouse=True, scope="session")
def _quick_passwords() -> Iterator[None]:
    """Hash passwords once and not a million times; what depends on it is Django's."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture
def owner(db: None) -> User:
    """A user."""
    return User.objects.create_user("owner")


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    """The folder of the storage of files, for this test alone."""
    place = tmp_path / "files"
    files = settings.STORAGES["files"]
    options = {**files["OPTIONS"], "location": place}
    settings.STORAGES = {**settings.STORAGES, "files": {**files, "OPTIONS": options}}
    return place


@pytest.fixture
def static_root(settings: Settings, tmp_path: Path) -> None:
    """An existing STATIC_ROOT: WhiteNoise warns of a missing directory."""
    settings.STATIC_ROOT = tmp_path


@pytest.fixture(scope="session")
def local_parts() -> None:
    """The embedded Valkey and the local model, installed."""
    try:
        embedded.binary()
        environment.weights()
    except LocalError:
        skip_without("the extra `local`")


@pytest.fixture(scope="session")
def static_files(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The collected static files, hashed and compressed once for all processes of the run."""
    own = tmp_path_factory.getbasetemp()
    place = (own if worker_id == "master" else own.parent) / "static"
    with FileLock(f"{place}.lock"):
        if not place.exists():
            collect_static(place)
    return place

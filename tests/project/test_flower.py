"""Flower's application knows the broker, and needs nothing else of the site."""

import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from project.flower import settings
from tests.harness.processes import run

CODE = (
    "import sys, project.flower as f; "
    "print(f.app.conf.broker_url, 'project.settings' in sys.modules, 'workers' in sys.modules)"
)


def test_it_reads_no_setting_of_django() -> None:
    env = {"TAILRACE_PREFIX": "p", "REDIS_URL": "redis://there/1"}
    printed = run(sys.executable, "-c", CODE, fresh=True, env=env)
    assert printed.split() == ["redis://there/1", "False", "False"]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("REDIS_URL", "TAILRACE_BROKER_URL", "TAILRACE_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_its_broker_is_the_one_of_the_deployment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TAILRACE_PREFIX", "p")
    environment.setenv("REDIS_URL", "rediss://there")
    assert settings()["broker_url"] == "rediss://there?ssl_cert_reqs=required"
    assert settings()["broker_transport_options"]["global_keyprefix"] == "p:"
    environment.setenv("TAILRACE_BROKER_URL", "redis://queues")
    assert settings()["broker_url"] == "redis://queues"


def test_without_a_prefix_it_does_not_start() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^TAILRACE_PREFIX is missing.*doctor"):
        settings()


@pytest.mark.parametrize("name", ["REDIS_URL", "TAILRACE_BROKER_URL"])
def test_a_wrong_address_is_named_without_its_password(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv("TAILRACE_PREFIX", "p")
    environment.setenv(name, "redis://:canary#1@there")
    with pytest.raises(ImproperlyConfigured, match=f"^{name} cannot be read") as caught:
        settings()
    assert "canary" not in str(caught.value)

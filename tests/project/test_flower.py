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
    printed = run(sys.executable, "-c", CODE, env={"TAILRACE_PREFIX": "p", "REDIS_URL": "redis://there/1"})
    assert printed.split() == ["redis://there/1", "False", "False"]


def test_its_broker_is_the_one_of_the_deployment() -> None:
    found = settings({"TAILRACE_PREFIX": "p", "REDIS_URL": "rediss://there"})
    assert found["broker_url"] == "rediss://there?ssl_cert_reqs=required"
    assert found["broker_transport_options"]["global_keyprefix"] == "p:"


def test_without_a_prefix_it_does_not_start() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^TAILRACE_PREFIX is missing.*doctor"):
        settings({})

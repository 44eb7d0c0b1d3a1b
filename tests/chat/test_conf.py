"""Our settings: each has a default, so that the apps work in another project, and is read when it is used."""

import sys

import pytest
from pytest_django import Settings

from chat.conf import Conf, Setting, conf
from tests.harness.processes import ROOT, run

ANOTHER_PROJECT = """
import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "chat"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    ROOT_URLCONF="chat.urls",
    USE_TZ=True,
)
django.setup()

import chat.routing, workers.tasks
from chat.models import Response
from chat.responses.model_catalog import catalog
from django.core.management import call_command

call_command("makemigrations", "--check", "--dry-run", verbosity=0)
call_command("migrate", verbosity=0)
call_command("check")
print(Response.objects.count(), *catalog())
"""


@pytest.mark.slow
def test_the_apps_work_in_a_project_that_names_none_of_our_settings() -> None:
    printed = run(sys.executable, "-c", ANOTHER_PROJECT, fresh=True)
    assert printed.splitlines()[-1:] == ["0 default demo-count"]


def test_a_setting_is_read_when_it_is_used(settings: Settings) -> None:
    settings.TAILRACE_DRAIN_SECONDS = 7
    assert conf.DRAIN_SECONDS == 7
    del settings.TAILRACE_DRAIN_SECONDS
    assert conf.DRAIN_SECONDS == 20


def test_the_project_names_every_setting() -> None:
    source = (ROOT / "project/settings.py").read_text()
    named = [setting.name for setting in vars(Conf).values() if isinstance(setting, Setting)]
    assert named
    assert [name for name in named if f"{name} = " not in source] == []

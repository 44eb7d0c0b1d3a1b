"""An error page of development shows no password."""

import re

from django.test import RequestFactory
from django.views.debug import ExceptionReporter
from pytest_django import Settings

URL = "redis://:hush@example.org:6379/0"


def test_an_error_page_hides_every_address_with_a_password(settings: Settings, rf: RequestFactory) -> None:
    settings.TAILRACE_REDIS_URL = settings.CELERY_BROKER_URL = settings.TAILRACE_OPENAI_BASE_URL = URL
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "b", "CONFIG": {"hosts": [URL]}}}
    page = ExceptionReporter(rf.get("/"), ValueError, ValueError("x"), None).get_traceback_html()
    assert "hush" not in page
    assert set(re.findall(r"TAILRACE_REDIS_URL|CHANNEL_LAYERS|CELERY_BROKER_URL", page))  # listed, and hidden

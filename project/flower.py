"""The Celery application of Flower: `celery -A project.flower flower`.

It needs REDIS_URL (or TAILRACE_BROKER_URL) and TAILRACE_PREFIX, and no secret of the site.
"""

import os
from collections.abc import Mapping
from typing import Any

from celery import Celery
from django.core.exceptions import ImproperlyConfigured

from project.celery_settings import broker_settings
from project.redis_urls import redis_url


def settings(environ: Mapping[str, str]) -> dict[str, Any]:
    """The broker of this environment."""
    prefix = environ.get("TAILRACE_PREFIX")
    if not prefix:
        message = "TAILRACE_PREFIX is missing: set it to the workers', which `manage.py doctor` shows."
        raise ImproperlyConfigured(message)
    named = "TAILRACE_BROKER_URL" if environ.get("TAILRACE_BROKER_URL") else "REDIS_URL"
    url = environ.get(named) or "redis://127.0.0.1:6379/0"
    return broker_settings(redis_url(named, url), prefix)


app = Celery("flower", fixups=[], set_as_current=False)
app.add_defaults(lambda: settings(os.environ))

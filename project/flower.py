"""The Celery application of Flower: `celery -A project.flower flower`.

It needs REDIS_URL and TAILRACE_PREFIX, and no secret of the site.
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
    url = environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0"
    return broker_settings(redis_url("REDIS_URL", url), prefix)


app = Celery("flower", fixups=[], set_as_current=False)
app.add_defaults(lambda: settings(os.environ))

"""The Celery application of Flower: `celery -A project.flower flower`.

It needs REDIS_URL (or TAILRACE_BROKER_URL) and TAILRACE_PREFIX, and no secret of the site.
"""

from typing import Any

from celery import Celery
from django.core.exceptions import ImproperlyConfigured

from project.celery_settings import broker_settings
from project.environment import Environment


def settings() -> dict[str, Any]:
    """The broker of this environment."""
    env = Environment(None)
    prefix = env.text("TAILRACE_PREFIX")
    if not prefix:
        message = "TAILRACE_PREFIX is missing: set it to the workers', which `manage.py doctor` shows."
        raise ImproperlyConfigured(message)
    url = env.redis("REDIS_URL", default="redis://127.0.0.1:6379/0")
    return broker_settings(env.redis("TAILRACE_BROKER_URL", default=url), prefix)


app = Celery("flower", fixups=[], set_as_current=False)
app.add_defaults(settings)

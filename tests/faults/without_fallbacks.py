"""Settings without fallbacks: a lost notification stays lost, and the reaper recovers nothing.

With `DJANGO_SETTINGS_MODULE=tests.faults.without_fallbacks` only the fast path can pass a test, at any load.
"""

from unittest.mock import AsyncMock, patch

from django.apps import AppConfig

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS

NEVER_SECS = 3600


class WithoutFallbacks(AppConfig):
    """Removes the fallbacks from each process of Tailrace."""

    name = "tests.faults"

    def ready(self) -> None:
        """Patch what each process is about to import."""
        patch("chat.streaming.subscriber.CHECK_SECS", NEVER_SECS).start()
        patch("chat.transport.event_log.Log.lasts", AsyncMock(return_value={})).start()
        patch("chat.transport.notifications.NOTIFY_SECS", NEVER_SECS).start()  # a busy machine drops none
        patch("workers.supervision.reaper.Reaper.check", AsyncMock()).start()


INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.without_fallbacks.WithoutFallbacks"]

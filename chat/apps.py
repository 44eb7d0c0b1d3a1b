"""The chat application."""

from django.apps import AppConfig

from chat import checks
from chat.accounts import revocation


class ChatConfig(AppConfig):
    """Web side and shared contract."""

    name = "chat"
    label = "tailrace"  # its tables, permissions and admin addresses are named by this

    def ready(self) -> None:
        """Hear of users that are saved, and have the database looked at: the models are loaded."""
        revocation.watch()
        checks.watch()

"""The chat application."""

from django.apps import AppConfig

from chat import checks
from chat.accounts import revocation


class ChatConfig(AppConfig):
    """Web side and shared contract."""

    name = "chat"
    label = "tailrace"  # its tables, permissions and admin addresses are named by this

    def ready(self) -> None:
        """Revoke sessions when users are saved, and check the database: the models are loaded."""
        revocation.watch()
        checks.watch()

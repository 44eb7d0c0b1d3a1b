"""The chat application."""

from django.apps import AppConfig

from chat import checks
from chat.accounts import revocation


class ChatConfig(AppConfig):
    """Web side and shared contract."""

    name = "chat"
    label = "tailrace"  # prefix of tables, permissions and admin addresses

    def ready(self) -> None:
        """Start both watches."""
        revocation.watch()
        checks.watch()

"""The chat application."""

from django.apps import AppConfig

from chat import accounts, checks


class ChatConfig(AppConfig):
    """Web side and shared contract."""

    name = "chat"

    def ready(self) -> None:
        """Everything is loaded."""
        accounts.watch()
        checks.begin()

"""The chat application."""

from django.apps import AppConfig

from chat import accounts, checks


class ChatConfig(AppConfig):
    """Web side and shared contract."""

    name = "chat"

    def ready(self) -> None:
        """Hear of users that are saved, and have the database looked at: the models are loaded."""
        accounts.watch()
        checks.watch()

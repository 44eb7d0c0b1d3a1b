"""The chat application."""

from django.apps import AppConfig


class ChatConfig(AppConfig):
    """Web side and shared contract."""

    name = "chat"

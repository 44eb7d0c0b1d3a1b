"""Page URLs."""

from typing import Any
from uuid import UUID

from django.urls import path, register_converter

from chat.ids import CONVERSATION, bare, wire_id
from chat.ops import health
from chat.pages import (
    app_shell,
    conversation_api,
    export_api,
    file_api,
    guest_api,
    key_api,
    preference_api,
    share_api,
    shared_pages,
    views,
)
from chat.share_models import PATTERN


class ConversationId:
    """`conv_<32 hex digits>` in a path."""

    regex = "conv_[0-9a-f]{32}"

    def to_python(self, value: str) -> UUID:
        """The row's id."""
        return UUID(bare(CONVERSATION, value))

    def to_url(self, value: Any) -> str:
        """The id as clients see it; a text stays."""
        return wire_id(CONVERSATION, value) if isinstance(value, UUID) else str(value)


class Token:
    """The token of a link in a path."""

    regex = PATTERN

    def to_python(self, value: str) -> str:
        """The token."""
        return value

    def to_url(self, value: str) -> str:
        """The token."""
        return value


register_converter(ConversationId, "conversation")
register_converter(Token, "token")
urlpatterns = [
    path("", views.page, name="page"),
    path("conversations/", conversation_api.conversations, name="conversations"),
    path("conversations/all/", conversation_api.all_conversations, name="all_conversations"),
    path("conversations/<conversation:id>/", views.conversation, name="conversation"),
    path("conversations/<conversation:id>/responses/", conversation_api.responses, name="responses"),
    path("conversations/<conversation:id>/share/", share_api.share, name="share"),
    path("shared/<token:token>/", shared_pages.shared, name="shared"),
    path("shared/<token:token>/turns/", shared_pages.turns, name="shared_turns"),
    path("shared/<token:token>/files/<str:id>/", shared_pages.file, name="shared_file"),
    path("conversations/<conversation:id>/export.<str:form>", export_api.conversation, name="export_one"),
    path("export.zip", export_api.everything, name="export"),
    path("files/", file_api.upload, name="files"),
    path("files/<str:id>/", file_api.file, name="file"),
    path("preferences/", preference_api.preferences, name="preferences"),
    path("api-keys/", key_api.keys, name="key_list"),
    path("api-keys/<uuid:id>/", key_api.key, name="key"),
    path("guest/", guest_api.guest, name="guest"),
    path("minimal/", views.minimal, name="minimal"),
    path("manifest.webmanifest", app_shell.manifest, name="manifest"),
    path("offline/", app_shell.offline, name="offline"),
    path("service-worker.js", app_shell.service_worker, name="service-worker"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

"""The admin: all visible, only titles editable."""

from typing import ClassVar

from django.contrib import admin
from django.http import HttpRequest

from chat.models import Conversation, Response


@admin.register(Conversation)
class ConversationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Conversations by owner."""

    list_display = ("id", "title", "owner", "updated_at", "deleted_at")
    search_fields = ("title", "owner__username", "=id")
    readonly_fields = (
        "id",
        "owner",
        "created_at",
        "updated_at",
        "unread",
        "title_source",
        "pinned_at",
        "deleted_at",
    )
    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Forbid: a first question creates a conversation."""
        return False


@admin.register(Response)
class ResponseAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Responses, read-only."""

    list_display = ("id", "owner", "model", "status", "error_code", "attempt", "queued_at", "ended_at")
    list_filter: ClassVar = ["status", "model", "error_code"]
    search_fields = ("=id", "owner__username", "=conversation__id")
    date_hierarchy = "queued_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Forbid: a question creates a response."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Response | None = None) -> bool:
        """Forbid: a response is a record."""
        return False

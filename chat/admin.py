"""The admin: all visible, only titles editable."""

from typing import Any, ClassVar

from asgiref.sync import async_to_sync
from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from chat.accounts.api_keys import notify_owner, revoke_key
from chat.key_models import ApiKey
from chat.models import Conversation, Response, TitleSource
from chat.share_models import Share
from chat.transport.notifications import notify_readers_to_recheck
from chat.webhook_models import Webhook
from chat.webhooks.events import TYPES, new_secret
from chat.webhooks.registration import check_url


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
        "metadata",
        "deleted_at",
    )
    date_hierarchy = "created_at"

    def save_model(self, request: HttpRequest, obj: Conversation, form: Any, change: bool) -> None:
        """A title of the form is an owner's: no model replaces it."""
        if "title" in form.changed_data:
            obj.title_source = TitleSource.OWNER
        super().save_model(request, obj, form, change)

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


@admin.register(Share)
class ShareAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Links of conversations: an action revokes them."""

    list_display = ("id", "conversation", "owner", "created_at", "revoked_at")
    list_select_related = ("conversation__owner",)
    search_fields = ("=conversation__id", "conversation__owner__username", "conversation__title")
    fields = readonly_fields = ("id", "conversation", "owner", "created_at", "revoked_at")
    date_hierarchy = "created_at"
    actions = ("revoke",)

    @admin.display(ordering="conversation__owner")
    def owner(self, share: Share) -> str:
        """The user who has created it."""
        return share.conversation.owner.get_username()

    @admin.action(permissions=["change"], description="Revoke the selected links")
    def revoke(self, request: HttpRequest, shares: QuerySet[Share]) -> None:
        """End their access at once."""
        ids = list(shares.filter(revoked_at=None).values_list("conversation_id", flat=True))
        Share.objects.filter(pk__in=shares.values("pk")).revoke()
        for conversation_id in ids:
            async_to_sync(notify_readers_to_recheck)(conversation_id)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Forbid: the owner creates a link."""
        return False


class WebhookForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A webhook's address and events."""

    events = forms.MultipleChoiceField(
        choices=[(kind, kind) for kind in TYPES], initial=TYPES, widget=forms.CheckboxSelectMultiple
    )

    def clean_url(self) -> str:
        """The address. Raises ValidationError."""
        url: str = self.cleaned_data["url"]
        check_url(url)
        return url


@admin.register(Webhook)
class WebhookAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Webhooks: added, changed, enabled, deleted. A new one's secret is shown once."""

    form = WebhookForm
    list_display = ("id", "name", "owner", "failing_since", "last_failure", "disabled_at")
    list_select_related = ("owner",)
    search_fields = ("=id", "name", "owner__username")
    autocomplete_fields = ("owner",)
    readonly_fields = ("id", "created_at", "failing_since", "last_failure", "disabled_at")
    actions = ("enable",)

    def get_readonly_fields(self, request: HttpRequest, obj: Webhook | None = None) -> tuple[str, ...]:
        """A webhook keeps its owner."""
        return (*self.readonly_fields, "owner") if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Webhook, form: Any, change: bool) -> None:
        """Give a new one its secret, and show it."""
        if not change:
            obj.secret = new_secret()
            self.message_user(request, f"Its secret, shown only this once: {obj.secret}")
        super().save_model(request, obj, form, change)

    @admin.action(permissions=["change"], description="Enable the selected webhooks")
    def enable(self, request: HttpRequest, webhooks: QuerySet[Webhook]) -> None:
        """Deliver further events to those that are disabled."""
        Webhook.objects.filter(pk__in=webhooks.values("pk")).enable()


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """API keys without their digests: an action revokes them."""

    list_display = ("name", "hint", "owner", "created_at", "last_used_at", "expires_at", "revoked_at")
    list_select_related = ("owner",)
    search_fields = ("name", "=hint", "owner__username")
    fields = readonly_fields = (
        "id",
        "owner",
        "name",
        "hint",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    date_hierarchy = "created_at"
    actions = ("revoke",)

    @admin.action(permissions=["change"], description="Revoke the selected keys")
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        """End their access at once."""
        for key in keys:
            revoke_key(key)

    def delete_model(self, request: HttpRequest, obj: ApiKey) -> None:
        """Delete a key, which ends its access at once."""
        super().delete_model(request, obj)
        notify_owner(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Delete the selected keys, which ends their access at once."""
        keys = list(queryset)
        super().delete_queryset(request, queryset)
        for key in keys:
            notify_owner(key)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Forbid: the owner makes a key, or `manage.py key create`."""
        return False

"""The pages."""

from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth.views import LogoutView
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.html import json_script
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_http_methods, require_safe
from django.views.defaults import page_not_found

from chat.accounts.guests import for_visitors, is_guest
from chat.conf import conf
from chat.conversations.listing import list_page, summary
from chat.conversations.turns import turns
from chat.files.spool import most_bytes
from chat.models import Conversation
from chat.pages import conversation_api
from chat.pages.compact_json import CompactEncoder
from chat.pages.guest_api import socket_path
from chat.pages.guest_work import former_guest
from chat.preference_models import preferences_of
from chat.protocol.commands import MAX_INPUT_CHARS
from chat.protocol.events import JSON
from chat.responses.model_catalog import ModelConfig, catalog
from chat.transport.notifications import notify_owner_to_recheck


@require_safe
@never_cache
@ensure_csrf_cookie
@for_visitors
def page(request: HttpRequest) -> HttpResponse:
    """A new conversation."""
    return _render(request, None)


@require_http_methods(["GET", "HEAD", "PATCH"])
def conversation(request: HttpRequest, id: UUID) -> HttpResponseBase:  # noqa: A002 - the URL's own word
    """A visitor's conversation: its page, or a change."""
    return (
        conversation_api.change(request, id=id)
        if request.method == "PATCH"
        else _conversation_page(request, id)
    )


@never_cache
@ensure_csrf_cookie
@for_visitors
def _conversation_page(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    own = Conversation.objects.visible_to(request.user.pk).with_running()
    row = get_object_or_404(own, pk=conversation_id)
    conversation_api.mark_read(row)
    return _render(request, row)


@require_safe
@never_cache
@for_visitors
def minimal(request: HttpRequest) -> HttpResponse:
    """The minimal demo."""
    return render(request, "minimal/page.html")


class SignOut(LogoutView):
    """Sign out, close the session's sockets, clear the browser's storage."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Sign out."""
        owner_id = request.user.pk
        response = super().post(request, *args, **kwargs)
        response.headers["Clear-Site-Data"] = '"storage"'  # drafts and unaccepted messages
        if owner_id is not None:
            async_to_sync(notify_owner_to_recheck)(owner_id)
        return response


def _render(request: HttpRequest, row: Conversation | None) -> HttpResponse:
    data = _page_data(request, row)
    script = json_script(data, "page-data", CompactEncoder)
    context = {"page": data, "script": script, "conversation": row, "sharing": conf.SHARING}
    return render(request, "chat/page.html", context)


def _page_data(request: HttpRequest, row: Conversation | None) -> JSON:
    return {
        "conversation": row.wire_id if row else None,
        "summary": summary(row) if row else None,
        "conversations": list_page(request.user.pk),
        "responses": turns(row) if row else [],
        "models": [_model(model) for model in catalog().values()],
        "preferences": preferences_of(request.user.pk),
        "max_input_chars": MAX_INPUT_CHARS,
        "max_file_bytes": most_bytes(),
        "deleted_days": conf.DELETED_DAYS,
        "page_path": reverse("page"),
        "csrf_cookie": settings.CSRF_COOKIE_NAME,
        "socket_path": socket_path(request.user.pk) if request.user.is_authenticated else None,
        "guest_path": reverse("guest"),
        "is_guest": request.user.is_authenticated and is_guest(request.user),
        "former_guest": former_guest(request) if request.user.is_authenticated else None,
        "conversation_path": f"{reverse('conversations')}{{id}}/",
        "file_path": f"{reverse('files')}{{id}}/",
        "preferences_path": reverse("preferences"),
    }


def _model(model: ModelConfig) -> JSON:
    """A model as the page shows it, with what can be set for it. `context` and the limit may be unknown."""
    return {
        "name": model.name,
        "images": model.images,
        "tools": model.tools,
        "context": model.context,
        "max_output_tokens": model.max_output_tokens,
        "efforts": list(model.efforts),
        "temperature": "temperature" not in model.without,
    }


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No such page, or another user's. It names the visitor, and so may open a connection of the database."""
    try:
        return page_not_found(request, exception)
    finally:
        if isinstance(request, ASGIRequest):  # rendered in another thread, which Django leaves as it is
            close_old_connections()

"""The owner's link of a conversation, as JSON: get, create, revoke."""

from uuid import UUID

from asgiref.sync import async_to_sync
from django.http import HttpRequest
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat.pages.conversation_api import json_view
from chat.protocol.events import JSON
from chat.share_models import Share
from chat.sharing.links import create, link_of, revoke
from chat.transport.notifications import notify_readers_to_recheck


@require_http_methods(["GET", "HEAD", "POST", "DELETE"])
@never_cache
@json_view
def share(request: HttpRequest, id: UUID) -> JSON:  # noqa: A002 - the URL's own word
    """`{path, created_at}` of the live link, both null without one. POST creates it, DELETE revokes it."""
    assert request.user.pk is not None  # as `json_view` checked
    if request.method == "DELETE":
        if revoke(request.user.pk, id):
            async_to_sync(notify_readers_to_recheck)(id)
        return _link(None)
    return _link(create(request.user.pk, id) if request.method == "POST" else link_of(request.user.pk, id))


def _link(found: Share | None) -> JSON:
    if found is None:
        return {"path": None, "created_at": None}
    return {"path": reverse("shared", args=[found.token]), "created_at": found.created_at.timestamp()}

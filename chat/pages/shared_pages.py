"""The page, turns and files of a link, for readers without an account, a guest or a session.

An unknown, revoked or switched-off link is the same 404.
"""

import functools
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.pages.conversation_api import json_errors, typed_errors
from chat.pages.file_api import content_response
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.share_models import Share
from chat.sharing.links import find
from chat.sharing.turns import shared_turns, shown_file

HEADERS = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}

View = Callable[..., HttpResponseBase]


def private(view: View) -> View:
    """Wrap a view: no search engine lists its address, and no other site hears it."""

    @functools.wraps(view)
    def respond(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

    return respond


@require_safe
@never_cache
@private
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """The conversation, read-only."""
    share = find(token)
    if share is None:
        raise Http404
    context = {"page": _page_data(share), "title": share.conversation.title, "user": None}
    return render(request, "shared/page.html", context)


@require_safe
@never_cache
@private
@json_errors
def turns(request: HttpRequest, token: str) -> JSON:
    """Its latest turns, or those above the query's `before`."""
    share = _found(token)
    responses = shared_turns(share.conversation, request.GET.get("before", ""))
    return {"title": share.conversation.title, "responses": responses}


@require_safe
@private
@typed_errors
def file(request: HttpRequest, token: str, id: str) -> HttpResponse:  # noqa: A002 - the URL's own word
    """A file of its questions."""
    row = shown_file(_found(token).conversation_id, id)
    return content_response(request, row)


def _found(token: str) -> Share:
    share = find(token)
    if share is None:
        raise CommandError("share_not_found")
    return share


def _page_data(share: Share) -> JSON:
    return {
        "title": share.conversation.title,
        "responses": shared_turns(share.conversation),
        "socket_path": f"{reverse('page')}ws/shared/{share.token}/",
        "turns_path": reverse("shared_turns", args=[share.token]),
        "file_path": reverse("shared_file", args=[share.token, "{id}"]).replace("%7Bid%7D", "{id}"),
    }

"""The page's JSON API.

The CSRF middleware admits changes from our pages only.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.core.exceptions import RequestDataTooBig
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from chat.accounts.owner_lock import lock_owner
from chat.conversations.announcements import announce_conversation
from chat.conversations.listing import list_page, summary
from chat.conversations.turns import turns
from chat.models import (
    LIVE,
    MAX_PINNED,
    Conversation,
    ConversationQuerySet,
    Response,
    ResponseQuerySet,
    TitleSource,
)
from chat.pages.compact_json import CompactEncoder
from chat.protocol.commands import Change
from chat.protocol.commands import change as parse_change
from chat.protocol.errors import CommandError, ProtocolError
from chat.protocol.events import JSON
from chat.responses.ending import cancel_all
from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.outages import UNAVAILABLE

MAX_ANNOUNCED = 200  # of those deleted at once; pages have the others when they fetch the list


def typed_errors(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Wrap a view: its response, or an error in the socket's format."""

    @functools.wraps(view)
    def respond(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except CommandError as error:
            refusal = error
        except (*UNAVAILABLE, ProtocolError):
            refusal = CommandError("busy")
        return HttpResponse(refusal.encode(), "application/json", refusal.status)

    return respond


def json_errors(view: Callable[..., JSON]) -> Callable[..., HttpResponseBase]:
    """Wrap a view: its JSON, or an error as `typed_errors`."""

    @functools.wraps(view)
    def respond(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        return JsonResponse(view(request, *args, **kwargs), CompactEncoder)

    return typed_errors(respond)


def json_view(view: Callable[..., JSON]) -> Callable[..., HttpResponseBase]:
    """Wrap a view for users and guests, as `json_errors`."""

    @functools.wraps(view)
    def admit(request: HttpRequest, *args: object, **kwargs: object) -> JSON:
        if not request.user.is_authenticated:
            raise CommandError("unauthenticated")
        return view(request, *args, **kwargs)

    return json_errors(admit)


@require_safe
@never_cache
@json_view
def conversations(request: HttpRequest) -> JSON:
    """One page of the visitor's list, by the query's `search` and `before`."""
    return list_page(request.user.pk, request.GET.get("search", ""), request.GET.get("before", ""))


@require_http_methods(["GET", "DELETE"])
@never_cache
@json_view
def all_conversations(request: HttpRequest) -> JSON:
    """The number of a visitor's conversations, or the deletion of all, as `change` deletes one."""
    assert request.user.pk is not None  # as `json_view` checked
    own = Conversation.objects.visible_to(request.user.pk)
    if request.method == "GET":
        return {"count": own.count()}
    latest = list(own.newest_first().values_list("pk", flat=True)[:MAX_ANNOUNCED])
    live = Response.objects.filter(owner_id=request.user.pk, status__in=LIVE, listed=True)
    _cancel_live(live)
    count = own.update(deleted_at=timezone.now())
    _cancel_live(live)  # those created meanwhile
    for each in latest:
        _run(announce_conversation, each)
    return {"count": count}


@require_safe
@never_cache
@json_view
def responses(request: HttpRequest, id: UUID) -> JSON:  # noqa: A002 - the URL's own word
    """A visitor's conversation, marked as read, with responses by the query's `before`, `after` or `at`."""
    row = Conversation.objects.visible_to(request.user.pk).with_running().filter(pk=id).first()
    if row is None:
        raise CommandError("conversation_not_found")
    mark_read(row)
    return {"conversation": summary(row), "responses": turns(row, **_place(request))}


@never_cache
@json_view
def change(request: HttpRequest, id: UUID) -> JSON:  # noqa: A002
    """Rename, pin, delete, restore or read a visitor's conversation. Returns its list entry.

    A deleted one can only be restored. Deletion first cancels live responses, and fails if it cannot.
    """
    assert request.user.pk is not None  # as `json_view` checked
    changes = _parse(request)
    rows = Conversation.objects.listed_of(request.user.pk).filter(pk=id)
    if not (changes.has("deleted") and not changes.deleted):
        rows = rows.filter(deleted_at=None)
    if not rows.exists():
        raise CommandError("conversation_not_found")
    if changes.deleted:
        _cancel_all(id)
    if _apply(changes, rows, request.user.pk):
        _run(announce_conversation, id)
    if changes.deleted:
        _cancel_all(id)  # those created meanwhile
    return summary(Conversation.objects.with_running().get(pk=id))


def _place(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET.get(name, "") for name in ("before", "after", "at")}


def mark_read(row: Conversation) -> None:
    """Mark as read and announce."""
    if row.unread and Conversation.objects.filter(pk=row.pk).mark_read():
        _run(announce_conversation, row.pk)
    row.unread = False


def _parse(request: HttpRequest) -> Change:
    try:
        return parse_change(request.body)
    except RequestDataTooBig:
        raise CommandError("frame_too_large") from None


@transaction.atomic
def _apply(changes: Change, rows: ConversationQuerySet, owner_id: int) -> bool:
    fields: JSON = {}
    if changes.has("title"):
        fields |= {"title": changes.title, "title_source": TitleSource.OWNER}
    if changes.has("deleted"):
        fields["deleted_at"] = timezone.now() if changes.deleted else None
    fields |= _pin(changes, rows, owner_id)
    newly_read = changes.has("read") and rows.mark_read()
    return bool(fields and rows.update(**fields)) or newly_read


def _pin(changes: Change, rows: ConversationQuerySet, owner_id: int) -> JSON:
    """The changed pin; a restored conversation keeps its pin if there is room. Raises CommandError."""
    restored = changes.has("deleted") and not changes.deleted
    if not (restored or changes.has("pinned")):
        return {}
    lock_owner(owner_id)
    row = rows.first()
    if row is None or not (changes.pinned if changes.has("pinned") else row.pinned_at):
        return {"pinned_at": None}
    others = Conversation.objects.visible_to(owner_id).pinned().exclude(pk=row.pk)
    if others.count() < MAX_PINNED:
        return {"pinned_at": row.pinned_at or timezone.now()}
    if changes.has("pinned"):
        raise CommandError("too_many_pinned", "pinned")
    return {"pinned_at": None}


def _cancel_all(conversation_id: UUID) -> None:
    _cancel_live(Response.objects.filter(conversation_id=conversation_id, status__in=LIVE))


def _cancel_live(live: ResponseQuerySet) -> None:
    ids = live.wire_ids()
    if ids:
        _run(_cancel, ids)


def _run(work: Callable[..., Awaitable[None]], *args: Any) -> None:
    """Run a coroutine function without this thread's database connection: it needs one of the same pool."""
    if not connection.in_atomic_block:
        connection.close()
    async_to_sync(work)(*args)


async def _cancel(response_ids: list[str]) -> None:
    await cancel_all(Log(redis_client.client()), response_ids)

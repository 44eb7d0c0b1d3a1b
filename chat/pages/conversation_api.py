"""What the page's scripts fetch: the list, the turns of a conversation, a change of it. JSON in, JSON out.

arrow in: `urls`; the CSRF middleware has seen to it that a change comes from a page of ours
arrow out: rows; `ending` for what a deletion stops; `news` for the owner's other sockets
"""

import functools
import time
from collections.abc import Callable
from uuid import UUID

from asgiref.sync import async_to_sync
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.conversations.announcements import announce_conversation
from chat.conversations.listing import listed, summary, turns
from chat.models import LIVE, Conversation, ConversationQuerySet, Response
from chat.protocol.commands import Change
from chat.protocol.commands import change as parsed
from chat.protocol.composer import Ending
from chat.protocol.errors import CommandError, ProtocolError
from chat.protocol.events import JSON
from chat.responses.ending import end
from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.outages import UNAVAILABLE


def in_json(view: Callable[..., JSON]) -> Callable[..., HttpResponse]:
    """Answer users and guests with what the view returns, or with a refusal in the shape of the socket's."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        try:
            if not request.user.is_authenticated:
                raise CommandError("unauthenticated")
            return JsonResponse(view(request, *args, **kwargs))
        except CommandError as error:
            refusal = error
        except (*UNAVAILABLE, ProtocolError):
            refusal = CommandError("busy")
        return HttpResponse(refusal.encode(), "application/json", refusal.status)

    return answer


@require_safe
@never_cache
@in_json
def conversations(request: HttpRequest) -> JSON:
    """One page of the visitor's list; `search` looks for words, `before` is the `more` of the page before."""
    return listed(request.user.pk, request.GET.get("search", ""), request.GET.get("before", ""))


@require_safe
@never_cache
@in_json
def responses(request: HttpRequest, id: UUID) -> JSON:  # noqa: A002 - the URL's own word
    """A conversation of the visitor's with every response so far. It counts as read."""
    row = Conversation.objects.visible_to(request.user.pk).with_running().filter(pk=id).first()
    if row is None:
        raise CommandError("conversation_not_found")
    mark_read(row)
    return {"conversation": summary(row), "responses": turns(row)}


@never_cache
@in_json
def change(request: HttpRequest, id: UUID) -> JSON:  # noqa: A002
    """Rename, delete, restore or read a conversation of the visitor's. Returns its line in the list.

    One that is deleted can only be restored. What runs in one that is deleted is cancelled first, so that
    nothing is deleted while that cannot be done.
    """
    wanted = _wanted(request)
    rows = Conversation.objects.filter(owner_id=request.user.pk, pk=id)
    if not (wanted.has("deleted") and not wanted.deleted):
        rows = rows.filter(deleted_at=None)
    if not rows.exists():
        raise CommandError("conversation_not_found")
    if wanted.deleted:
        _cancel_all(id)
    if _apply(wanted, rows):
        async_to_sync(announce_conversation)(id)
    if wanted.deleted:
        _cancel_all(id)  # what began meanwhile
    return summary(Conversation.objects.with_running().get(pk=id))


def mark_read(row: Conversation) -> None:
    """The owner looks at it."""
    if row.unread and Conversation.objects.filter(pk=row.pk).read():
        async_to_sync(announce_conversation)(row.pk)
    row.unread = False


def _wanted(request: HttpRequest) -> Change:
    try:
        return parsed(request.body)
    except RequestDataTooBig:
        raise CommandError("frame_too_large") from None


def _apply(wanted: Change, rows: ConversationQuerySet) -> bool:
    """Make the changes. False: nothing is another than before."""
    changes: JSON = {"title": wanted.title} if wanted.has("title") else {}
    if wanted.has("deleted"):
        changes["deleted_at"] = timezone.now() if wanted.deleted else None
    was_read = wanted.has("read") and rows.read()
    return bool(changes and rows.update(**changes)) or was_read


def _cancel_all(conversation_id: UUID) -> None:
    live = Response.objects.filter(conversation_id=conversation_id, status__in=LIVE)
    ids = [str(response_id) for response_id in live.values_list("pk", flat=True)]
    if ids:
        async_to_sync(_cancel)(ids)


async def _cancel(response_ids: list[str]) -> None:
    log = Log(redis_client.client())
    for response_id in response_ids:
        await end(log, response_id, Ending("cancelled", time.time()))

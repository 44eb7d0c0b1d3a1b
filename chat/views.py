"""The pages: a conversation, and the smallest form of the pattern. What streams comes over the socket."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.catalog import catalog
from chat.guests import for_visitors
from chat.models import Conversation, Response
from chat.protocol.commands import MAX_INPUT_CHARS
from chat.protocol.events import JSON


@require_safe
@never_cache
@for_visitors
def page(request: HttpRequest) -> HttpResponse:
    """A new conversation."""
    return render(request, "chat/page.html", {"page": _page(None, [])})


@require_safe
@never_cache
@for_visitors
def conversation(request: HttpRequest, id: UUID) -> HttpResponse:  # noqa: A002 - the URL's own word
    """A conversation of the visitor's, with every response so far."""
    shown = get_object_or_404(Conversation, pk=id, owner_id=request.user.pk)
    turns = [_turn(response) for response in shown.responses.order_by("id")]
    return render(request, "chat/page.html", {"page": _page(shown, turns), "conversation": shown})


@require_safe
@never_cache
@for_visitors
def minimal(request: HttpRequest) -> HttpResponse:
    """A textarea, a button and the socket."""
    return render(request, "minimal/page.html")


def _page(shown: Conversation | None, turns: list[JSON]) -> JSON:
    return {
        "conversation": str(shown.pk) if shown else None,
        "responses": turns,
        "models": list(catalog()),
        "max_input_chars": MAX_INPUT_CHARS,
        "socket_path": "/ws/responses/",
        "conversation_path": "/conversations/{id}/",
    }


def _turn(response: Response) -> JSON:
    return {
        "id": str(response.pk),
        "previous_response_id": str(response.previous_id) if response.previous_id else None,
        "input": response.input_text,
        "output_text": response.output,
        "reasoning_text": response.reasoning,
        "status": response.status,
        "error": response.error(),
        "incomplete_details": response.incomplete_details(),
        "model": response.model,
        "created_at": response.queued_at.timestamp(),
    }

"""Conversations as JSON."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from chat.conversations.excerpts import excerpts
from chat.conversations.search import containing, parse_words
from chat.models import Conversation
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.protocol.frames import conversation_changed
from chat.protocol.objects import ResponseObject

PER_PAGE = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)  # the databases' resolution


def list_page(owner_id: int | None, search: str = "", before: str = "") -> JSON:
    """One page of an owner's list, latest activity first; the first page begins with all pinned ones.

    `before`: the previous page's `more`. Raises CommandError for another value or an invalid search.
    """
    words = parse_words(search)
    matches = containing(owner_id, words)
    rows = Conversation.objects.visible_to(owner_id).with_running().filter(matches)
    pinned = [] if before else list(rows.pinned())
    others = rows.filter(pinned_at=None).newest_first(_parse_cursor(before) if before else None)
    found = list(others[: PER_PAGE + 1])
    page = found[:PER_PAGE]
    more = _cursor(page[-1]) if len(found) > PER_PAGE else None
    shown = [*pinned, *page]
    around = excerpts(owner_id, words, [row.pk for row in shown])
    lines = [summary(row) | ({"match": around[row.pk]} if row.pk in around else {}) for row in shown]
    return {"conversations": lines, "more": more}


def summary(row: Any) -> JSON:
    """The list entry of a `with_running()` row."""
    return {
        "id": row.wire_id,
        "title": row.title,
        "updated_at": row.updated_at.timestamp(),
        "running": row.running,
        "unread": row.unread,
        "pinned_at": row.pinned_at and row.pinned_at.timestamp(),
    }


def change_event(row: Any, response: ResponseObject | None = None, request_id: str | None = None) -> str:
    """Encode a changed conversation and any response that changed it.

    The row has `running`. `request_id`: a new response's `client_request_id`.
    """
    about = response and {
        "id": response["id"],
        "previous_response_id": response["previous_response_id"],
        "status": response["status"],
        "client_request_id": request_id,
    }
    return conversation_changed(summary(row) | {"deleted": row.deleted_at is not None}, about)


def _cursor(row: Conversation) -> str:
    return f"{(row.updated_at - EPOCH) // MICROSECOND}.{row.pk.hex}"


def _parse_cursor(cursor: str) -> tuple[datetime, UUID]:
    microseconds, _, row_id = cursor.partition(".")
    try:
        return EPOCH + int(microseconds) * MICROSECOND, UUID(row_id)
    except (ValueError, OverflowError):
        raise CommandError("invalid_field", "before") from None

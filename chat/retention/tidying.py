"""Delete old rows in batches: short transactions, which leave room for others in between.

Rows are deleted by id, without Django's cascade, which would load them with their texts. Interrupted, the
next run continues.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from chat.file_models import FileUse
from chat.models import LIVE, Conversation, Response
from chat.retention import expiry, unused_files
from chat.share_models import Share

ROWS = 1_000  # of a kind in a transaction
GUESTS = 50  # each is deleted by Django, with a notification
LEAST_PAUSE_SECS = 0.1  # between two batches
SHARE = 3  # at most a third of the time is spent deleting
NO_ID = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Batch:
    """Deleted rows of one kind."""

    kind: str
    rows: int


def pause_secs(taken_secs: float) -> float:
    """The pause after a batch that took so long."""
    return max(LEAST_PAUSE_SECS, (SHARE - 1) * taken_secs)


def old(now: datetime, *, deleted_at_once: bool = False) -> dict[str, int]:
    """Count what `tidy` would delete, by kind."""
    guests = expiry.idle_guests(now)
    deleted = expiry.deleted_conversations(now, at_once=deleted_at_once)
    idle = expiry.idle_conversations(now)
    conversations = deleted | idle | Conversation.objects.filter(owner__in=guests)
    return {
        "sessions": expiry.expired_sessions(now).count(),
        "conversations": conversations.count(),
        "responses": Response.objects.filter(conversation__in=conversations).count(),
        "guests": guests.count(),
        "files": expiry.files_of(conversations, guests, now).count(),
    }


def tidy(now: datetime, *, deleted_at_once: bool = False) -> Iterator[Batch]:
    """Delete the rows that are old at `now`; each step deletes one batch. Blocks."""
    while rows := _erase(expiry.expired_sessions(now).order_by("expire_date")):
        yield Batch("sessions", rows)
    yield from _conversations(expiry.deleted_conversations(now, at_once=deleted_at_once))
    yield from _conversations(expiry.idle_conversations(now))
    yield from _guests(now)
    for rows in unused_files.erase(now):  # last: those of all others are unused now
        yield Batch("files", rows)


def _guests(now: datetime) -> Iterator[Batch]:
    last = 0
    while ids := _ids(expiry.idle_guests(now), last, GUESTS):
        yield from _conversations(expiry.conversations_of(ids, now))
        yield Batch("guests", _without_conversations(expiry.idle_guests(now), ids))
        last = ids[-1]


def _conversations(old: QuerySet[Conversation]) -> Iterator[Batch]:
    last = NO_ID
    while ids := _ids(old, last):
        responses, conversations = _turns(old, ids)
        yield Batch("responses", responses)
        yield Batch("conversations", conversations)
        if responses < ROWS:
            last = ids[-1]


@transaction.atomic
def _turns(old: QuerySet[Conversation], ids: list[Any]) -> tuple[int, int]:
    """Delete up to ROWS responses of conversations, and those of them that are empty then."""
    locked = _locked(old, ids)
    turns = Response.objects.filter(conversation__in=locked)
    running = set(turns.filter(status__in=LIVE).values_list("conversation", flat=True))
    ended = [each for each in locked if each not in running]
    turns = Response.objects.filter(conversation__in=ended).order_by("conversation", "id")
    doomed = list(turns.values_list("pk", flat=True)[:ROWS])
    # those left for the next batch
    Response.objects.filter(previous__in=doomed).exclude(pk__in=doomed).update(previous=None)
    uses = FileUse.objects.filter(response__in=doomed)
    uses._raw_delete(uses.db)  # noqa: SLF001 - as in `_erase`, of any number
    _erase(Response.objects.filter(pk__in=doomed))
    _erase(Share.objects.filter(conversation__in=ended))  # an old conversation has no readers
    empty = ~Exists(Response.objects.filter(conversation=OuterRef("pk")))
    return len(doomed), _erase(Conversation.objects.filter(empty, pk__in=ended))


@transaction.atomic
def _without_conversations(old: Any, ids: list[Any]) -> int:
    """Delete users; those with a conversation stay, which has a live response. Only their rows are loaded."""
    own = Exists(Conversation.objects.filter(owner=OuterRef("pk")))
    users = get_user_model().objects.filter(~own, pk__in=_locked(old, ids))
    _, rows = users.delete()
    return rows.get(users.model._meta.label, 0)  # noqa: SLF001 - documented by Django


def _ids(old: Any, last: Any, most: int = ROWS) -> list[Any]:
    return list(old.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:most])


def _locked(old: Any, ids: list[Any]) -> list[Any]:
    """Of these rows, those that are still old; others cannot refer to them until the commit."""
    rows = old.filter(pk__in=ids).select_for_update(skip_locked=True)
    return list(rows.values_list("pk", flat=True))


def _erase(rows: QuerySet[Any, Any]) -> int:
    ids = list(rows.values_list("pk", flat=True)[:ROWS])
    doomed = rows.model._base_manager.filter(pk__in=ids)  # noqa: SLF001
    return int(doomed._raw_delete(doomed.db)) if ids else 0  # noqa: SLF001 - `delete` would load what refers to them

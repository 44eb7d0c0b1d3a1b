"""Bound each owner's answers: some run, some are held, more are refused.

Counting and marking happen under a lock of the owner's row, so the bounds are exact for parallel requests of
any number of processes. A held response has no message: the end of another one sends it, or the reaper.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from chat.accounts.guests import is_guest
from chat.accounts.owner_lock import lock_owner
from chat.conf import conf
from chat.models import LIVE, Response
from chat.protocol.errors import CommandError

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

RETRY_SECS = 5  # the next end is unknown; a client need not ask more often


@dataclass(frozen=True, slots=True)
class Limits:
    """An owner's bounds: responses with a message or a worker, and held ones."""

    running: int
    waiting: int


def limits_of(owner: "AbstractBaseUser") -> Limits:
    """The configured limits of a user or guest."""
    if is_guest(owner):
        return Limits(conf.GUEST_MAX_RUNNING, conf.GUEST_MAX_WAITING)
    return Limits(conf.MAX_RUNNING, conf.MAX_WAITING)


def admit(owner: "AbstractBaseUser") -> datetime | None:
    """When a new response is sent: now; None: it is held. Raises CommandError at the limit.

    The owner is locked. Held ones go first: a new response never overtakes them.
    """
    limits = limits_of(owner)
    sent, held = Response.objects.count_live(owner.pk)
    if sent < limits.running and not held:
        return timezone.now()
    if held >= limits.waiting:
        raise CommandError("too_many_waiting", retry_after=RETRY_SECS)
    return None


@transaction.atomic
def take_held(owner_id: int) -> list[Response]:
    """Mark as sent the held responses for which an owner has room; the caller sends them."""
    owner = lock_owner(owner_id)
    sent, held = Response.objects.count_live(owner_id)
    room = min(limits_of(owner).running - sent, held)
    return Response.objects.mark_sent(owner_id, room) if room > 0 else []


def owner_with_held(response_id: UUID | str) -> int | None:
    """The owner of a response if any other of theirs is held. One query, without a lock."""
    owner = Response.objects.filter(pk=response_id).values("owner_id")
    return Response.objects.held().filter(owner_id__in=owner).values_list("owner_id", flat=True).first()


def owners_with_room(after: int, most: int) -> tuple[list[int], int]:
    """Owners whose held responses may be sent, among the next `most`; and the last of these, 0: no more."""
    ids = (
        Response.objects.held()
        .filter(owner_id__gt=after)
        .order_by("owner_id")
        .values_list("owner_id", flat=True)
    )
    found = list(ids.distinct()[:most])
    live = Response.objects.filter(owner__in=found, status__in=LIVE, sent_at__isnull=False)
    sent = dict(live.order_by().values_list("owner").annotate(Count("pk")))
    owners = get_user_model().objects.filter(pk__in=found)
    ready = [owner.pk for owner in owners if sent.get(owner.pk, 0) < limits_of(owner).running]
    return ready, found[-1] if len(found) == most else 0

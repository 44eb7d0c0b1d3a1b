"""Queries for old rows. A conversation with a live response is never old."""

from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, Q, QuerySet

from chat.accounts.guests import GUEST
from chat.conf import conf
from chat.file_models import File, FileState, FileUse
from chat.key_models import ApiKey
from chat.models import LIVE, Conversation, Response

UNUSED_FILE_DAYS = 1  # a question with it may still be written, or an upload run
UNUSABLE = "!"  # the first character of an unusable password


def before(now: datetime, days: int) -> datetime | None:
    """The time so many days ago. None: 0 days, which is for ever."""
    return now - timedelta(days=days) if days else None


def expired_sessions(now: datetime) -> QuerySet[Session]:
    """Sessions that have ended."""
    return Session.objects.filter(expire_date__lt=now)


def deleted_conversations(now: datetime, *, at_once: bool = False) -> QuerySet[Conversation]:
    """Conversations that were deleted DELETED_DAYS ago; `at_once`: all that are deleted."""
    return _ended(deleted_at__lt=now if at_once else before(now, conf.DELETED_DAYS))


def idle_conversations(now: datetime) -> QuerySet[Conversation]:
    """Conversations without activity for KEEP_DAYS."""
    return _ended(updated_at__lt=before(now, conf.KEEP_DAYS))


def conversations_of(guests: list[int], now: datetime) -> QuerySet[Conversation]:
    """All conversations of idle guests."""
    return _ended(updated_at__lt=before(now, conf.GUEST_DAYS), owner__in=guests)


def idle_guests(now: datetime) -> QuerySet[User]:
    """Guests without a visit, an answer or a use of a key for GUEST_DAYS."""
    limit = before(now, conf.GUEST_DAYS)
    if limit is None:
        return get_user_model().objects.none()
    guests = get_user_model().objects.filter(
        username__startswith=GUEST, password__startswith=UNUSABLE, is_staff=False, date_joined__lt=limit
    )
    own = Conversation.objects.filter(owner=OuterRef("pk"))
    active = Exists(own.filter(updated_at__gte=limit)) | Exists(own.filter(responses__status__in=LIVE))
    used = Exists(ApiKey.objects.filter(owner=OuterRef("pk"), last_used_at__gte=limit))
    return guests.filter(Q(last_login=None) | Q(last_login__lt=limit)).exclude(active | used)


def unused_files(now: datetime) -> QuerySet[File]:
    """Files to which no response refers, of a page a day ago or of no user, and interrupted uploads."""
    return _unused(now, FileUse.objects.all())


def files_of(conversations: QuerySet[Conversation], guests: QuerySet[User], now: datetime) -> QuerySet[File]:
    """The unused files once these conversations and guests are deleted."""
    return _unused(
        now, FileUse.objects.exclude(response__conversation__in=conversations), Q(owner__in=guests)
    )


def _unused(now: datetime, uses: QuerySet[FileUse], theirs: Q | None = None) -> QuerySet[File]:
    is_old = Q(uploaded_at__lt=before(now, UNUSED_FILE_DAYS)) & (Q(purpose="") | Q(state=FileState.UPLOADING))
    has_no_owner = (Q(owner=None) | theirs if theirs else Q(owner=None)) & Q(state=FileState.STORED)
    unused = ~Exists(uses.filter(file=OuterRef("pk")))
    return File.objects.filter(unused, is_old | has_no_owner | Q(state=FileState.DELETING))


def _ended(**condition: object) -> QuerySet[Conversation]:
    if None in condition.values():
        return Conversation.objects.none()
    live = Response.objects.filter(conversation=OuterRef("pk"), status__in=LIVE)
    return Conversation.objects.filter(~Exists(live), **condition)

"""Delete responses that programs did not want stored, some time after their end.

Until then they exist because the row is the job, and because its reader may still read the end.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from chat.file_models import FileUse
from chat.models import Conversation, Response

KEPT = timedelta(minutes=5)
KEPT_WITH_KEY = timedelta(hours=1)  # a request with an idempotency key may be repeated
MAX_ROWS = 500  # of a transaction


def old_unstored(now: datetime) -> QuerySet[Response]:
    """Those to delete, the oldest first."""
    is_continued = Exists(Response.objects.filter(previous=OuterRef("pk")))
    may_be_repeated = Q(client_request_id__isnull=False, ended_at__gte=now - KEPT_WITH_KEY)
    ended = Response.objects.filter(~is_continued, stored=False, ended_at__lt=now - KEPT)
    return ended.exclude(may_be_repeated).order_by("ended_at")


@transaction.atomic
def erase_unstored(now: datetime) -> list[str]:
    """Delete up to MAX_ROWS, with their conversations. Returns their ids, as in Redis. Blocks.

    One that another response continues stays as long as that: its prompt needs it.
    """
    old = old_unstored(now).select_for_update(skip_locked=True, of=("self",))
    rows = list(old.only("id", "conversation")[:MAX_ROWS])
    doomed = [row.pk for row in rows]
    uses, responses = FileUse.objects.filter(response__in=doomed), Response.objects.filter(pk__in=doomed)
    uses._raw_delete(uses.db)  # noqa: SLF001 - `delete` would load what refers to them
    responses._raw_delete(responses.db)  # noqa: SLF001
    is_empty = ~Exists(Response.objects.filter(conversation=OuterRef("pk")))
    own = [row.conversation_id for row in rows]
    Conversation.objects.filter(is_empty, pk__in=own, listed=False).delete()
    return [row.wire_id for row in rows]

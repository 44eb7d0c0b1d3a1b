"""Delete files to which no response refers: mark the rows, delete the bytes, delete the rows.

A marked file cannot be used again (`chat/files/claiming.py`). After an interruption or an error of the
storage the next run finds its row.
"""

import logging
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db import transaction

from chat.file_models import File, FileState, FileUse
from chat.files import storage
from chat.files.reading import find
from chat.protocol.errors import CommandError
from chat.retention import expiry

FILES = 50  # in a batch: a storage in the network takes its time for each
NO_ID = UUID(int=0)

logger = logging.getLogger(__name__)


def erase(now: datetime) -> Iterator[int]:
    """Delete the unused files; each step deletes one batch, and returns its number."""
    last = NO_ID
    unused = expiry.unused_files(now).order_by("pk")
    while ids := list(unused.filter(pk__gt=last).values_list("pk", flat=True)[:FILES]):
        erased = [row.pk for row in _marked(now, ids) if _without_bytes(row)]
        rows = File.objects.filter(pk__in=erased, state=FileState.DELETING)
        yield int(rows._raw_delete(rows.db)) if erased else 0  # noqa: SLF001 - `delete` would load its uses
        last = ids[-1]


def erase_own(owner_id: int, file_id: str) -> None:
    """Delete an owner's file, by its id for clients. Blocks.

    Raises CommandError: it does not exist, is another user's, or a response refers to it.
    """
    row = find(owner_id, file_id)
    with transaction.atomic():
        locked = File.objects.stored_of(owner_id).filter(pk=row.pk).select_for_update()
        if not locked.exists():
            raise CommandError("file_not_found")
        if FileUse.objects.filter(file=row).exists():
            raise CommandError("file_in_use")
        File.objects.discard([row.pk])
    if _without_bytes(row):
        File.objects.filter(pk=row.pk, state=FileState.DELETING).delete()


@transaction.atomic
def _marked(now: datetime, ids: list[UUID]) -> list[File]:
    """Mark those of the files that are still unused."""
    rows = list(expiry.unused_files(now).filter(pk__in=ids).select_for_update(skip_locked=True))
    # a second query: it sees the uses that were committed before the lock
    used = set(FileUse.objects.filter(file__in=rows).values_list("file", flat=True))
    unused = [row for row in rows if row.pk not in used]
    File.objects.discard([row.pk for row in unused])
    return unused


def _without_bytes(row: File) -> bool:
    try:
        storage.delete(row.storage_name)
    except storage.StorageError as error:
        logger.warning("%s is deleted later: %s", row.wire_id, error)
        return False
    return True

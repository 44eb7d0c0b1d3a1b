"""Store a file: a row, then the bytes, then the row is stored (see `chat/file_models.py`).

From uploads of pages and programs, and from data URLs in questions. All of it blocks. Not in a transaction:
its rollback would delete the row and not the bytes.
"""

import base64
import binascii
import re
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from chat.accounts.owner_lock import lock_owner
from chat.file_models import File
from chat.files import storage
from chat.files.media_types import IMAGES, OTHER, agree
from chat.files.names import clean
from chat.files.quota import check_quota
from chat.files.spool import Readable, Spool, most_bytes
from chat.ids import new_id
from chat.protocol.errors import CommandError

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

MAX_PREFIX_CHARS = 200  # of a data URL before its data
PREFIX = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[\w.+-]+)*;base64,", re.ASCII | re.IGNORECASE)


def store(
    owner: "AbstractBaseUser",
    name: str,
    source: bytes | Readable | Spool,
    *,
    declared: str = "",
    param: str | None = None,
    image: bool = False,
) -> File:
    """Store a file, or find the owner's with the same content. The caller closes a Spool.

    `declared`: the client's media type, which must agree with the content; `image`: it must be one.
    Raises CommandError with `param`, StorageError, and database errors.
    """
    if isinstance(source, Spool):
        return _store(owner, name, source, _checked(source, declared, param, image=image), param)
    with Spool(param) as spool:
        spool.fill(source)
        return _store(owner, name, spool, _checked(spool, declared, param, image=image), param)


def store_data_url(
    owner: "AbstractBaseUser", url: str, path: str, *, name: str = "", image: bool = False
) -> str:
    """Store the content of a `data:…;base64,…` URL, as `store`. Returns its id for clients.

    `path`: the URL's place in the command, as `input[0].content[1].image_url`.
    """
    prefix = PREFIX.match(url[:MAX_PREFIX_CHARS])
    if prefix is None:
        raise CommandError("invalid_field", path)
    data = url[prefix.end() :]
    if len(data) > -(-most_bytes() // 3) * 4:  # before it is decoded
        raise CommandError("file_too_large", path)
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise CommandError("invalid_field", path) from None
    return store(owner, name, content, declared=prefix[1] or "", param=path, image=image).wire_id


def _checked(spool: Spool, declared: str, param: str | None, *, image: bool) -> str:
    if not spool.size:
        raise CommandError("empty_file", param)
    found = spool.media_type
    if found == OTHER or not agree(declared, found) or (image and found not in IMAGES):
        raise CommandError("unsupported_file", param)
    return found


def _store(owner: "AbstractBaseUser", name: str, spool: Spool, media_type: str, param: str | None) -> File:
    row, new = _begin(owner, name, spool, media_type, param)
    if not new:
        return row
    try:
        return _finish(row, storage.write(row.storage_name, spool.file))
    except BaseException:
        if not File.objects.discard([row.pk]):  # the upload took longer than a day
            storage.delete(row.storage_name)
        raise


@transaction.atomic(durable=True)
def _begin(
    owner: "AbstractBaseUser", name: str, spool: Spool, media_type: str, param: str | None
) -> tuple[File, bool]:
    """The row of the upload, or an earlier one of the same content. Returns it and whether it is new."""
    owner = lock_owner(owner.pk)
    if earlier := _same(owner.pk, spool.sha256):
        earlier.uploaded_at = timezone.now()  # else it could be deleted before a response refers to it
        earlier.save(update_fields=["uploaded_at"])
        return earlier, False
    check_quota(owner, spool.size, param)
    file_id = new_id()
    row = File(
        pk=file_id,
        owner_id=owner.pk,
        name=clean(name),
        media_type=media_type,
        size=spool.size,
        sha256=spool.sha256,
        storage_name=f"{file_id.hex[-2:]}/{file_id.hex}",  # random digits: 256 directories
    )
    row.save(force_insert=True)
    return row, True


@transaction.atomic(durable=True)
def _finish(row: File, storage_name: str) -> File:
    """Mark as stored; of parallel uploads of the same content the first one stays."""
    assert row.owner_id is not None  # as created
    lock_owner(row.owner_id)
    if earlier := _same(row.owner_id, row.sha256):
        File.objects.discard([row.pk])
        return earlier
    if not File.objects.finish(row.pk, storage_name):
        raise CommandError("busy")
    row.refresh_from_db()
    return row


def _same(owner_id: int, sha256: str) -> File | None:
    return File.objects.stored_of(owner_id).filter(sha256=sha256).select_for_update().first()

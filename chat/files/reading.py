"""Read a file: for the page, and for a worker's prompt.

All of it blocks: on an event loop call it by `database_sync_to_async(…, thread_sensitive=False)`.
"""

import base64
import logging

from chat.file_models import File, parse_wire_id
from chat.files import storage
from chat.protocol.errors import CommandError

logger = logging.getLogger(__name__)


def find(owner_id: int, file_id: str) -> File:
    """The row of an owner's file, by its id for clients. Raises CommandError: none, or another user's."""
    found = parse_wire_id(file_id)
    row = File.objects.stored_of(owner_id).filter(pk=found).first() if found else None
    if row is None:
        raise CommandError("file_not_found")
    return row


def content(row: File) -> bytes:
    """The bytes of a file. Raises StorageError, also if the storage lacks them."""
    try:
        return storage.read(row.storage_name)
    except FileNotFoundError as error:
        logger.error("%s is not in the storage: web and workers must share it", row.wire_id)
        raise storage.StorageError(type(error).__name__) from None


def data_url(row: File) -> str:
    """A file as `data:<its media type>;base64,…`. Raises as `content`."""
    return f"data:{row.media_type};base64,{base64.b64encode(content(row)).decode()}"

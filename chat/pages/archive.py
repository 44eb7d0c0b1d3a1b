"""Everything of a person as a ZIP, in pieces: one conversation, or one file, is in memory at a time."""

import logging
import zipfile
from collections.abc import Iterable, Iterator
from io import RawIOBase
from typing import Any
from uuid import UUID

from chat.file_models import File
from chat.files.reading import content
from chat.files.storage import StorageError
from chat.models import Conversation
from chat.pages.transcript import as_json, as_markdown, file_name

PIECE_BYTES = 64 * 1024
STORED = ("image/", "application/pdf")  # compressed already

logger = logging.getLogger(__name__)


class Pieces(RawIOBase):
    """Keeps written bytes until they are taken; it cannot seek."""

    def __init__(self) -> None:
        super().__init__()
        self._written = bytearray()

    def writable(self) -> bool:
        """Whether it can be written to: always."""
        return True

    def write(self, data: Any) -> int:
        """Append."""
        self._written += data
        return len(data)

    def take(self, least: int = 1) -> Iterator[bytes]:
        """Yield all, once there are `least` bytes."""
        if len(self._written) >= least:
            taken = bytes(self._written)
            self._written.clear()
            yield taken


def archive(owner_id: int) -> Iterator[bytes]:
    """An owner's undeleted conversations, a folder each, and stored files, as a ZIP in pieces.

    A file that the storage lacks is left out and logged.
    """
    pieces = Pieces()
    with zipfile.ZipFile(pieces, "w", zipfile.ZIP_DEFLATED) as packed:
        own = Conversation.objects.visible_to(owner_id)
        for pk in list(own.order_by("id").values_list("pk", flat=True)):
            row = own.filter(pk=pk).first()
            if row is not None:  # deleted meanwhile
                yield from _conversation(packed, pieces, row)
        for pk in list(File.objects.stored_of(owner_id).order_by("id").values_list("pk", flat=True)):
            _file(packed, pk)
            yield from pieces.take()
    yield from pieces.take()


def path_of(file: File) -> str:
    """The path of a file in the archive; two files of one name have different ids."""
    return f"files/{file.wire_id} {file.name}"


def _conversation(packed: zipfile.ZipFile, pieces: Pieces, row: Conversation) -> Iterator[bytes]:
    # an id's end is random, its beginning the time
    folder = f"{row.created_at:%Y-%m-%d} {file_name(row.title)} {row.pk.hex[-8:]}"
    for name, texts in (("md", as_markdown(row, path_of)), ("json", as_json(row, path_of))):
        entry = zipfile.ZipInfo(f"{folder}/conversation.{name}", row.updated_at.timetuple()[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED
        yield from _text(packed, pieces, entry, texts)


def _text(
    packed: zipfile.ZipFile, pieces: Pieces, info: zipfile.ZipInfo, texts: Iterable[str]
) -> Iterator[bytes]:
    with packed.open(info, "w", force_zip64=True) as entry:
        for text in texts:
            entry.write(text.encode())
            yield from pieces.take(PIECE_BYTES)
    yield from pieces.take()


def _file(packed: zipfile.ZipFile, pk: UUID) -> None:
    row = File.objects.filter(pk=pk).first()
    if row is None:  # deleted meanwhile
        return
    try:
        data = content(row)
    except StorageError as error:
        logger.warning("%s is not in an export: %s", row.wire_id, error)
        return
    how = zipfile.ZIP_STORED if row.media_type.startswith(STORED) else zipfile.ZIP_DEFLATED
    packed.writestr(path_of(row), data, how)

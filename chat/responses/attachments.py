"""Files of input items: stored from data, and loaded into a prompt."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from chat.file_models import File, OwnerId, parse_wire_id
from chat.files.claiming import most_prompt_bytes
from chat.files.media_types import IMAGES, PDF, TEXT
from chat.files.names import UNNAMED
from chat.files.reading import content, data_url
from chat.files.storing import store_data_url
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.protocol.input_items import data_parts, with_files
from chat.protocol.messages import FileData, named_files, with_data

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

MAX_DATA_PARTS = 20  # of a question: each is a transaction that locks its owner
BYTES_PER_TOKEN = 3  # of text: English has 4 or more, Chinese 2 to 4: rather a turn less than a refusal
TOKENS_PER_IMAGE = 1_000  # OpenAI's have 85 to 1,105, Qwen's up to 1,280
TOKENS_PER_PDF = 5_000  # at least: about ten pages
PDF_BYTES_PER_TOKEN = 100  # pages of 50 KB, of 500 words
IMAGE, FILE = "Image", "File"  # titles of files without a name


def attached(owner: "AbstractBaseUser", items: list[JSON]) -> list[JSON]:
    """Items with stored files in place of data. Blocks, not in a transaction; raises as `store_data_url`."""
    parts = data_parts(items)
    if len(parts) > MAX_DATA_PARTS:
        raise CommandError("too_large_together", parts[MAX_DATA_PARTS].path)
    by_url: dict[str, str] = {}
    for part in parts:
        if part.url not in by_url:
            by_url[part.url] = store_data_url(owner, part.url, part.path, name=part.name, image=part.is_image)
    return with_files(items, {part.path: by_url[part.url] for part in parts})


def file_tokens(owner_id: OwnerId, names: Iterable[str]) -> dict[str, int]:
    """Estimate the tokens of an owner's files, by their ids. Blocks: one query."""
    rows = _rows(owner_id, names).items()
    return {name: tokens_of(row.media_type, row.size) for name, row in rows}


def tokens_of(media_type: str, size: int) -> int:
    """Estimate, rather too high, the tokens of a file of `size` bytes."""
    if media_type in IMAGES:
        return TOKENS_PER_IMAGE
    if media_type == PDF:
        return max(TOKENS_PER_PDF, size // PDF_BYTES_PER_TOKEN)
    return math.ceil(size / BYTES_PER_TOKEN)


def loaded(owner_id: OwnerId, messages: list[JSON]) -> list[JSON]:
    """A prompt's messages with the content of the files that they name, as far as a prompt may have.

    The newest come first. Blocks; raises StorageError.
    """
    names = list(named_files(messages))
    if not names:
        return messages
    rows = _rows(owner_id, set(names))
    kept = {name: rows[name] for name in _fitting(names, rows)}
    return with_data(messages, _data(kept), omitted=rows.keys() - kept.keys())


def name_of(files: Iterable[File]) -> str:
    """The first name of files, as the title of a question without text."""
    rows = list(files)
    named = next((row.name for row in rows if row.name != UNNAMED), None)
    return named or (IMAGE if rows[0].is_image else FILE)


def _fitting(names: list[str], rows: Mapping[str, File]) -> list[str]:
    """The newest files whose size together is allowed, each counted as often as it is named."""
    kept, room = [], most_prompt_bytes()
    for name, times in Counter(reversed(names)).items():  # in the order of their first
        room -= times * rows[name].size if name in rows else 0
        if room < 0:
            break
        kept += [name] if name in rows else []
    return kept


def _data(rows: Mapping[str, File]) -> dict[str, FileData]:
    """Of those that exist."""
    found: dict[str, FileData] = {}
    for name, row in rows.items():
        with suppress(CommandError):  # deleted
            found[name] = _file_data(row)
    return found


def _file_data(row: File) -> FileData:
    if row.media_type == TEXT:
        return FileData(row.name, text=content(row).decode())
    return FileData(row.name, data_url(row))


def _rows(owner_id: OwnerId, names: Iterable[str]) -> dict[str, File]:
    ids = filter(None, map(parse_wire_id, names))
    return {row.wire_id: row for row in File.objects.stored_of(owner_id).filter(pk__in=list(ids))}

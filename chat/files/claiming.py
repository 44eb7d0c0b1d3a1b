"""Relate a response to the files in its input, which keeps them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction

from chat.file_models import File, FileUse, parse_wire_id
from chat.files.spool import most_bytes
from chat.protocol.errors import CommandError
from chat.protocol.input_items import FilePart

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from chat.models import Response


def most_prompt_bytes() -> int:
    """The size of all files in one prompt, each counted as often as it is named; as base64 a third more."""
    return 2 * most_bytes()


def claim(owner: "AbstractBaseUser", response: "Response", parts: Sequence[FilePart]) -> list[File]:
    """Let a response refer to files, in the transaction that stores it. Returns their rows, in their order.

    Raises CommandError with the path of the first part that names no own file, no image where it should, or
    one too many for a prompt.
    """
    return _claim(owner.pk, response, parts) if parts else []


@transaction.atomic
def _claim(owner_id: int, response: "Response", parts: Sequence[FilePart]) -> list[File]:
    wanted = {parse_wire_id(part.file_id) for part in parts}
    # locked: `tidy` may be deleting one. In one order: two responses may refer to the same files
    rows = File.objects.stored_of(owner_id).filter(pk__in=filter(None, wanted)).order_by("pk")
    found = {row.wire_id: row for row in rows.select_for_update()}
    size = 0
    for part in parts:
        row = found.get(part.file_id)
        if row is None:
            raise CommandError("file_not_found", part.path)
        if part.is_image and not row.is_image:
            raise CommandError("unsupported_file", part.path)
        size += row.size
        if size > most_prompt_bytes():
            raise CommandError("too_large_together", part.path)
    uses = [FileUse(file=row, response=response) for row in found.values()]
    FileUse.objects.bulk_create(uses, ignore_conflicts=True)
    return list(dict.fromkeys(found[part.file_id] for part in parts))

"""Relate a response to the files in its input, which keeps them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db import transaction

from chat.file_models import File, FileUse, parse_wire_id
from chat.protocol.errors import CommandError

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from chat.models import Response


def claim(owner: "AbstractBaseUser", response: "Response", file_ids: Mapping[str, str]) -> dict[str, File]:
    """Let a response refer to files, in the transaction that stores it.

    `file_ids`: of each id for clients its path in the command, as `input[0].content[1].file_id`. Returns the
    rows, for their media types. Raises CommandError with the path of the first id that is no own file.
    """
    return _claim(owner.pk, response, file_ids) if file_ids else {}


@transaction.atomic
def _claim(owner_id: int, response: "Response", file_ids: Mapping[str, str]) -> dict[str, File]:
    wanted = [parse_wire_id(file_id) for file_id in file_ids]
    # locked: `tidy` may be deleting one. In one order: two responses may refer to the same files
    rows = File.objects.stored_of(owner_id).filter(pk__in=filter(None, wanted)).order_by("pk")
    found = {row.wire_id: row for row in rows.select_for_update()}
    for file_id, path in file_ids.items():
        if file_id not in found:
            raise CommandError("file_not_found", path)
    uses = [FileUse(file=row, response=response) for row in found.values()]
    FileUse.objects.bulk_create(uses, ignore_conflicts=True)
    return found

"""The list of an owner's files, in pages."""

from chat.file_models import USER_DATA, File, parse_wire_id
from chat.protocol.errors import CommandError


def files_of(
    owner_id: int, *, purpose: str, ascending: bool, after: str, limit: int
) -> tuple[list[File], bool]:
    """At most `limit` stored files by their time, and whether more follow. Blocks.

    `purpose`: of all listed files; `after`: the id of the last file before them; both may be empty. Raises
    CommandError for an id of no own file.
    """
    own = rows = File.objects.stored_of(owner_id)
    if purpose:
        rows = rows.filter(purpose__in=[purpose, ""] if purpose == USER_DATA else [purpose])
    if after:
        found = parse_wire_id(after)
        if found is None or not own.filter(pk=found).exists():
            raise CommandError("invalid_field", "after")
        rows = rows.filter(pk__gt=found) if ascending else rows.filter(pk__lt=found)
    listed = list(rows.order_by("pk" if ascending else "-pk")[: limit + 1])
    return listed[:limit], len(listed) > limit

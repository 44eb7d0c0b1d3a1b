"""Replace references to items by the owner's stored items that they name."""

from collections.abc import Iterable
from uuid import UUID

from chat.models import Response
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.protocol.fields import json_bytes
from chat.protocol.input_items import KINDS, references, response_of
from chat.responses.running import RunningError

# of all referenced items: a frame of references to one long answer would store it five hundred times
MAX_REFERENCED_BYTES = 1024 * 1024
PAGE_ROWS = 20  # rows in memory at once


def resolved(owner_id: int, items: list[JSON]) -> list[JSON]:
    """Items without references; the stored items keep their ids. Raises CommandError with the path.

    RunningError: the row of the named response has not ended, as its log may have.
    Items of tools that ran at a model's server are left out: no prompt has them.
    Blocks: one query by primary key for each PAGE_ROWS responses that are named.
    """
    named = references(items)
    if not named:
        return items
    found, running = _stored(owner_id, set(named.values()))
    room = MAX_REFERENCED_BYTES
    for place, item_id in named.items():
        if item_id not in found:
            path, response_id = f"input[{place}].id", response_of(item_id)
            if response_id in running:
                raise RunningError("item_not_found", path, response_id=running[response_id])
            raise CommandError("item_not_found", path)
        room -= json_bytes(found[item_id])
        if room < 0:
            raise CommandError("input_too_long", f"input[{place}].id")
    resolved = [found[named[place]] if place in named else item for place, item in enumerate(items)]
    return [item for item in resolved if item["type"] in KINDS]


def _stored(owner_id: int, item_ids: set[str]) -> tuple[dict[str, JSON], dict[UUID | None, str]]:
    """The owner's items by their ids, as far as they exist and fit into memory; the responses that run."""
    rows = sorted(filter(None, {response_of(item_id) for item_id in item_ids}))
    found: dict[str, JSON] = {}
    running: dict[UUID | None, str] = {}
    for start in range(0, len(rows), PAGE_ROWS):
        for row in _rows(owner_id, rows[start : start + PAGE_ROWS]):
            found |= {item["id"]: item for item in [*row.input, *row.items] if item.get("id") in item_ids}
            if row.live:
                running[row.pk] = row.wire_id
        if sum(map(json_bytes, found.values())) > MAX_REFERENCED_BYTES:
            raise CommandError("input_too_long", "input")
    return found, running


def _rows(owner_id: int, response_ids: list[UUID]) -> Iterable[Response]:
    rows = Response.objects.filter(owner_id=owner_id, pk__in=response_ids, conversation__deleted_at=None)
    return rows.only("input", "items", "status")

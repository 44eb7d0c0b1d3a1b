"""A conversation's items: of each turn on the path of newest versions its input, then its output. Blocks."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from chat.conversations.turns import newest_path
from chat.models import Conversation, Response
from chat.protocol.errors import CommandError
from chat.protocol.events import JSON
from chat.protocol.input_items import response_of

PAGE_ROWS = 20  # turns in memory at once


def item_page(
    conversation: Conversation, after: str, limit: int, *, newest_first: bool
) -> tuple[list[JSON], bool]:
    """The items after one of them, or the first ones, at most `limit`; and whether more follow.

    Raises CommandError if `after` is no item of the conversation.
    """
    path = newest_path(conversation.pk)
    if newest_first:
        path.reverse()
    if after:
        path = path[_place(path, after, "after") :]
    items = (item for row in _rows(path) for item in _ordered(row, newest_first=newest_first))
    if after and not any(item.get("id") == after for item in items):  # leaves those that follow it
        raise CommandError("invalid_field", "after")
    found: list[JSON] = []
    for item in items:
        if len(found) == limit:
            return found, True
        found.append(item)
    return found, False


def response_with(conversation: Conversation, item_id: str) -> Response:
    """The response on the path that has an item. Raises CommandError."""
    path = newest_path(conversation.pk)
    row = Response.objects.get(pk=path[_place(path, item_id, "item_id")])
    find_item(row, item_id)
    return row


def find_item(row: Response, item_id: str) -> JSON:
    """An item of a response. Raises CommandError."""
    found = next((item for item in items_of(row) if item.get("id") == item_id), None)
    if found is None:
        raise CommandError("item_not_found", "item_id")
    return found


def items_of(row: Response) -> list[JSON]:
    """The items of a response, in their order."""
    return [*row.input, *row.items]


def _place(path: list[UUID], item_id: str, param: str) -> int:
    """Where the response is that the item's id names. Raises CommandError."""
    response_id = response_of(item_id)
    if response_id not in path:
        code = "item_not_found" if param == "item_id" else "invalid_field"
        raise CommandError(code, param)
    return path.index(response_id)


def _rows(path: list[UUID]) -> Iterator[Response]:
    for start in range(0, len(path), PAGE_ROWS):
        ids = path[start : start + PAGE_ROWS]
        found = Response.objects.only("input", "items").in_bulk(ids)
        yield from (found[each] for each in ids if each in found)


def _ordered(row: Response, *, newest_first: bool) -> Iterable[JSON]:
    return reversed(items_of(row)) if newest_first else items_of(row)

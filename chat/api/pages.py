"""Pages of a list, by the query's `after`, `limit` and `order`. Pure.

Format: https://platform.openai.com/docs/api-reference/responses/input-items
"""

from collections.abc import Mapping, Sequence

from chat.protocol.errors import CommandError
from chat.protocol.events import JSON

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
ORDERS = ("asc", "desc")

Query = Mapping[str, Sequence[str]]


def list_page(objects: Sequence[JSON], query: Query, order: str = "desc") -> JSON:
    """One page of objects, which are given in their order of creation; `order`: the default.

    Raises CommandError for a wrong value, or an `after` that is no object's id.
    """
    wanted = order_of(query, order)
    limit = limit_of(query)
    rows = list(objects) if wanted == "asc" else list(reversed(objects))
    after = last_value(query, "after")
    if after:
        place = next((place for place, row in enumerate(rows) if row.get("id") == after), None)
        if place is None:
            raise CommandError("invalid_field", "after")
        rows = rows[place + 1 :]
    return page_of(rows[:limit], has_more=len(rows) > limit)


def page_of(data: Sequence[JSON], *, has_more: bool) -> JSON:
    """The list object of a page."""
    first, last = (data[0].get("id"), data[-1].get("id")) if data else (None, None)
    return {
        "object": "list",
        "data": list(data),
        "first_id": first,
        "last_id": last,
        "has_more": has_more,
    }


def limit_of(query: Query, default: int = DEFAULT_LIMIT, most: int = MAX_LIMIT) -> int:
    """The size of a page. Raises CommandError."""
    text = last_value(query, "limit")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        raise CommandError("invalid_field", "limit")
    if not 1 <= int(text) <= most:
        raise CommandError("invalid_field", "limit")
    return int(text)


def last_value(query: Query, name: str) -> str:
    """The last value of a name in the query; empty: none."""
    values = query.get(name)
    return values[-1] if values else ""


def order_of(query: Query, default: str = "desc") -> str:
    """The wanted order. Raises CommandError."""
    order = last_value(query, "order") or default
    if order not in ORDERS:
        raise CommandError("invalid_field", "order")
    return order

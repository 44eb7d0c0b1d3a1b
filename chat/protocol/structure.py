"""Check names and counts of a command before pydantic, which makes an error of each fault: one is used.

18,000 unknown fields in a frame took it 100 ms of the event loop.
"""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from chat.protocol.errors import CommandError
from chat.protocol.fields import MAX_PARAM_CHARS

MAX_ITEMS = 500
MAX_PARTS = 1_000  # of all items
MAX_METADATA = 16  # pairs
LISTS = ("content", "output", "summary")  # of parts
# of a frame without the texts in it: 2 MiB of objects take the parser, and the garbage collector, a second
MAX_FRAME_STRUCTURE = 512 * 1024
# an open string ends with the frame: no text is read twice
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)

Names = Container[str]


def check_structure(frame: str) -> None:
    """Raise CommandError if a frame has too much beside its texts. Call before it is parsed."""
    if len(frame) <= MAX_FRAME_STRUCTURE:
        return
    structure, end = 0, 0
    for start, after in strings(frame):
        structure += start - end + len('""')
        end = after
        if structure > MAX_FRAME_STRUCTURE:
            raise CommandError("frame_too_large")
    if structure + len(frame) - end > MAX_FRAME_STRUCTURE:
        raise CommandError("frame_too_large")


def strings(frame: str) -> Iterator[tuple[int, int]]:
    """The places of the JSON strings of a frame: each from its quote to after the other one.

    The expression alone takes 140 ms for a picture of 7 MiB as text, and `find` none.
    """
    start = frame.find('"')
    while start >= 0:
        end = frame.find('"', start + 1) + 1
        if not end or frame.find("\\", start, end) >= 0:
            found = _STRING.match(frame, start)
            assert found is not None  # it begins with a quote
            end = found.end()
        yield start, end
        start = frame.find('"', end)


def refuse_unknown(names: Names, body: dict[str, Any], path: str = "") -> None:
    """Raise CommandError for the first field that is not one of `names`."""
    unknown = next((name for name in body if name not in names), None)
    if unknown is not None:
        raise CommandError("unknown_field", f"{path}{unknown[:MAX_PARAM_CHARS]}")


def check_create(body: dict[str, Any], objects: Mapping[str, Names]) -> None:
    """Raise CommandError for wrong names or counts inside a `response.create`.

    `objects`: the names in the objects that have no others. In items other names are dropped.
    """
    for field, names in objects.items():
        if isinstance(inner := body.get(field), dict):
            refuse_unknown(names, inner, f"{field}.")
    metadata, items = body.get("metadata"), body.get("input")
    if isinstance(metadata, dict) and len(metadata) > MAX_METADATA:
        raise CommandError("invalid_field", "metadata")
    if isinstance(items, list) and (len(items) > MAX_ITEMS or count_parts(items) > MAX_PARTS):
        raise CommandError("invalid_field", "input")


def count_parts(items: list[Any], names: Sequence[str] = LISTS) -> int:
    """Count the entries of the named lists in all items."""
    lists = (item.get(name) for item in items if isinstance(item, dict) for name in names)
    return sum(len(parts) for parts in lists if isinstance(parts, list))

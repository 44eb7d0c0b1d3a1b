"""Check names and counts of a command before pydantic, which makes an error of each fault: one is used.

18,000 unknown fields in a frame took it 100 ms of the event loop.
"""

from collections.abc import Container, Iterable
from typing import Any

from chat.protocol.errors import CommandError

MAX_MESSAGES = 500
MAX_PARTS = 1_000  # of all messages
MAX_METADATA = 16  # pairs
MAX_PARAM_CHARS = 100  # of an unknown field's name in an error

Names = Container[str]


def refuse_unknown(names: Names, body: dict[str, Any], path: str = "") -> None:
    """Raise CommandError for the first field that is not one of `names`."""
    unknown = next((name for name in body if name not in names), None)
    if unknown is not None:
        raise CommandError("unknown_field", f"{path}{unknown[:MAX_PARAM_CHARS]}")


def check_create(body: dict[str, Any], options: Names, message: Names, part: Names) -> None:
    """Raise CommandError for wrong names or counts inside a `response.create`. The names: of each level."""
    metadata, inner, messages = body.get("metadata"), body.get("tailrace"), body.get("input")
    if isinstance(metadata, dict) and len(metadata) > MAX_METADATA:
        raise CommandError("invalid_field", "metadata")
    if isinstance(inner, dict):
        refuse_unknown(options, inner, "tailrace.")
    if isinstance(messages, list):
        _check_messages(messages, message, part)


def _check_messages(messages: list[Any], message: Names, part: Names) -> None:
    contents = [each.get("content") for each in messages[:MAX_MESSAGES] if isinstance(each, dict)]
    parts = [content for content in contents if isinstance(content, list)]
    if len(messages) > MAX_MESSAGES or sum(map(len, parts)) > MAX_PARTS:
        raise CommandError("invalid_field", "input")
    inner = (each for content in parts for each in content)
    if _have_unknown(message, messages) or _have_unknown(part, inner):
        raise CommandError("unknown_field", "input")


def _have_unknown(names: Names, items: Iterable[Any]) -> bool:
    return any(name not in names for item in items if isinstance(item, dict) for name in item)

"""Text and JSON that the database can store. Pure."""

import math
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def storable(text: str) -> str:
    """Replace characters impossible in PostgreSQL (NUL) and UTF-8 (lone surrogates)."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\x00", REPLACEMENT)


def storable_json(value: Any) -> Any:
    """The same in all texts of a JSON value; a number that JSON has not is null."""
    match value:
        case str():
            return storable(value)
        case list():
            return [storable_json(each) for each in value]
        case dict():
            return {storable(name): storable_json(each) for name, each in value.items()}
        case float() if not math.isfinite(value):
            return None
    return value

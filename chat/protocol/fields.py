"""Types of commands' fields, and the refusal of a value with its path.

The members of a union have tags in angle brackets, which no path shows: by the JSON type of the value
(`shape`), or by its `type` (`kind_of`).
"""

import json
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import ErrorDetails, PydanticCustomError

from chat.protocol.errors import REFUSALS

MAX_PARAM_CHARS = 100  # of a client's name in an error
TEXT, LIST, OBJECT = "<a text>", "<a list>", "<an object>"  # no `type`
_NO_TYPE, _WRONG_TYPE = "<>", "<!>"
_TAGS: dict[type, str] = {str: TEXT, list: LIST, dict: OBJECT}
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class Strict(BaseModel):
    """An object without other fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Tolerant(BaseModel):
    """An object whose other fields are dropped: programs return items with what their framework added."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


def require_storable(text: str) -> str:
    """Return text that JSON and the database can store. Raises ValueError."""
    text.encode()  # ValueError for a lone surrogate
    if "\x00" in text:
        message = "PostgreSQL stores no NUL"
        raise ValueError(message)
    return text


def _require_storable_json(value: Any) -> Any:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)  # ValueError for nan, inf, huge integers
    if "\\u0000" in text and _ESCAPED_NUL.search(text):  # the search is slow
        message = "PostgreSQL stores no NUL"
        raise ValueError(message)
    text.encode()
    return value


Text = Annotated[str, AfterValidator(require_storable)]
Json = Annotated[Any, AfterValidator(_require_storable_json)]
JsonObject = Annotated[dict[str, Any], AfterValidator(_require_storable_json)]


def json_bytes(value: Any) -> int:
    """The size of a value as compact JSON in UTF-8; 0 of a number that has no JSON."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        return 0
    return len(text.encode(errors="replace"))


def refused(code: str, field: str = "") -> PydanticCustomError:
    """An error for a validator. `code`: a key of REFUSALS; `field`: inside the value."""
    return PydanticCustomError(code, "refused", {"field": field})


def shape(value: Any) -> str | None:
    """The tag of a value by its JSON type; also of a validated one, which pydantic serializes."""
    return OBJECT if isinstance(value, BaseModel) else _TAGS.get(type(value))


def kind_of(default: str = "") -> Callable[[Any], str | None]:
    """A function that returns the tag of an object by its `type`. `default`: of an object without one."""

    def kind(value: Any) -> str | None:
        if isinstance(value, BaseModel):  # which pydantic serializes
            return f"<{getattr(value, 'type', default)}>"
        if not isinstance(value, dict):
            return None
        found = value.get("type")
        if found is None:
            return f"<{default}>"
        return f"<{found}>" if isinstance(found, str) else _WRONG_TYPE

    return kind


def only(kind: str) -> BeforeValidator:
    """Refuse objects of another `type`; pydantic has no union of one."""
    tag = kind_of()

    def check(value: Any) -> Any:
        found = tag(value)
        if found not in (None, f"<{kind}>"):
            raise refused(_of_type(found), "type")
        return value

    return BeforeValidator(check)


def refusal(error: ErrorDetails) -> tuple[str, str]:
    """The code and the path of a value, as OpenAI writes it: `input[0].content[1].image_url`."""
    place, kind, context = path(error["loc"]), error["type"], error.get("ctx", {})
    if kind == "union_tag_invalid" and context["tag"] not in _TAGS.values():
        return _of_type(context["tag"]), _inside(place, "type")
    if kind in REFUSALS:
        return kind, _inside(place, context["field"])
    return {"missing": "missing_field", "extra_forbidden": "unknown_field"}.get(kind, "invalid_field"), place


def path(places: tuple[int | str, ...]) -> str:
    """The path without tags: they, and the mark of a key, are pydantic's."""
    found = ""
    for place in places:
        if isinstance(place, int):
            found += f"[{place}]"
        elif not place.startswith("<") and place != "[key]":
            found = _inside(found, place[:MAX_PARAM_CHARS])
    return found


def _inside(place: str, field: str) -> str:
    return f"{place}.{field}" if place and field else place or field


def _of_type(tag: str | None) -> str:
    """The code for an object of another type."""
    codes = {_NO_TYPE: "missing_field", _WRONG_TYPE: "invalid_field"}
    return codes.get(tag or "", "unsupported_parameter")

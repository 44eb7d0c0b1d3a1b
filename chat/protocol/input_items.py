"""Stored input items: their ids, texts, data and files. They are as `inputs.normalized` returns them."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from chat.ids import item_prefix
from chat.protocol.events import JSON
from chat.protocol.inputs import DATA

KINDS = ("message", "function_call", "function_call_output", "reasoning")
ITEM_ID = re.compile(r"[a-z]+_([0-9a-f]{32})_i?\d{1,9}", re.ASCII)
_LISTS = ("content", "output", "summary")  # of parts


@dataclass(frozen=True, slots=True)
class DataPart:
    """A part that holds data. `path`: of its field; `url`: a data URL; `name`: of a file."""

    path: str
    url: str
    name: str = ""
    is_image: bool = False


@dataclass(frozen=True, slots=True)
class FilePart:
    """A part that names a stored file. `path`: of its field."""

    path: str
    file_id: str
    is_image: bool = False


def with_ids(items: Iterable[JSON], response_id: UUID) -> list[JSON]:
    """Items with ids of this response: `msg_<hex>_i0`."""
    return [
        item | {"id": f"{item_prefix(item['type'])}_{response_id.hex}_i{place}"}
        for place, item in enumerate(items)
    ]


def response_of(item_id: str) -> UUID | None:
    """The response that an item's id names; None: it has another form."""
    found = ITEM_ID.fullmatch(item_id)
    return UUID(found[1]) if found else None


def references(items: Iterable[JSON]) -> dict[int, str]:
    """The ids of referenced items, by the place of the reference."""
    return {place: item["id"] for place, item in enumerate(items) if item["type"] == "item_reference"}


def asked(items: Iterable[JSON]) -> str:
    """The user's text, for the search and the title."""
    texts = (text_of(item["content"]) for item in items if item.get("role") == "user")
    return "\n\n".join(filter(None, texts))


def text_of(content: str | list[JSON]) -> str:
    """The joined texts of a content; refusals are texts, too."""
    return content if isinstance(content, str) else "".join(map(_text, content))


def texts(items: Iterable[JSON]) -> Iterator[str]:
    """All texts of items, also arguments and results of calls."""
    for item in items:
        yield from (item[name] for name in ("arguments", "encrypted_content") if name in item)
        yield from (text_of(item[name]) for name in _LISTS if name in item)


def is_empty(items: Iterable[JSON]) -> bool:
    """Whether there is nothing to answer: no text, image, file, result of a call or reference."""
    return not any(
        item["type"] in ("function_call_output", "item_reference")
        or any(text.strip() for text in texts([item]))
        or any(part["type"] in ("input_image", "input_file") for _, part in _placed([item]))
        for item in items
        if item["type"] != "reasoning"
    )


def data_parts(items: Iterable[JSON]) -> list[DataPart]:
    """The parts that hold data, in their order."""
    found: list[DataPart] = []
    for place, part in _placed(items):
        if part.get("image_url", "").startswith(DATA):
            found.append(DataPart(f"{place}.image_url", part["image_url"], is_image=True))
        elif "file_data" in part:
            url = _data_url(part["file_data"])
            found.append(DataPart(f"{place}.file_data", url, part.get("filename", "")))
    return found


def with_files(items: Iterable[JSON], ids: Mapping[str, str]) -> list[JSON]:
    """Replace data by the ids of stored files. `ids`: by the paths of `data_parts`."""

    def stored(place: str, part: JSON) -> JSON:
        name = next((name for name in ("image_url", "file_data") if f"{place}.{name}" in ids), None)
        if name is None:
            return part
        rest = {field: value for field, value in part.items() if field != name}
        return rest | {"file_id": ids[f"{place}.{name}"]}

    return [_changed(f"input[{place}]", item, stored) for place, item in enumerate(items)]


def file_parts(items: Iterable[JSON]) -> list[FilePart]:
    """The parts that name stored files, in their order."""
    return [
        FilePart(f"{place}.file_id", part["file_id"], part["type"] == "input_image")
        for place, part in _placed(items)
        if "file_id" in part
    ]


def _text(part: JSON) -> str:
    text: str = part.get("text") or part.get("refusal") or ""
    return text


def _data_url(data: str) -> str:
    """OpenAI takes bare base64, too."""
    return data if data.startswith(DATA) else f"data:;base64,{data}"


def _placed(items: Iterable[JSON]) -> Iterator[tuple[str, JSON]]:
    """The parts with their paths."""
    for place, item in enumerate(items):
        for name in ("content", "output"):
            if isinstance(item.get(name), list):
                for inner, part in enumerate(item[name]):
                    yield f"input[{place}].{name}[{inner}]", part


def _changed(place: str, item: JSON, change: Callable[[str, JSON], JSON]) -> JSON:
    lists = {name: item[name] for name in ("content", "output") if isinstance(item.get(name), list)}
    return item | {
        name: [change(f"{place}.{name}[{inner}]", part) for inner, part in enumerate(parts)]
        for name, parts in lists.items()
    }

"""Items of other kinds than texts and calls: of tools that run at the model's server. Pure."""

from typing import Any

from chat.protocol.events import JSON
from chat.protocol.fields import json_bytes
from chat.protocol.pieces import ItemPart
from workers.providers.storable import storable_json

MAX_BYTES = 256 * 1024  # of all in one answer: a log has each twice, and all of them at its end
MAX_KIND_CHARS = 64
# read in other ways, or kinds that only clients send
_NONE = frozenset(("message", "reasoning", "function_call", "function_call_output", "item_reference"))
# done before the answer is; an item of another kind may be a call that the client runs then
_RUN_THERE = frozenset(
    (
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_call",
        "mcp_list_tools",
    )
)
_KEPT = ("id", "type", "status")  # of an item that is too large


class ItemReader:
    """Numbers the items of one answer, and keeps them within MAX_BYTES together."""

    def __init__(self) -> None:
        self._sizes: dict[Any, int] = {}  # by output index: as last read
        self._done: set[Any] = set()
        self._places: dict[str, Any] = {}  # by id

    def read(self, place: Any, body: JSON, *, done: bool, is_over: bool = False) -> ItemPart | None:
        """The part of an item that begins or is done; None: it is known, or read in another way.

        `is_over`: the answer is; until then only items of tools that run at the server can be done.
        """
        kind = body.get("type")
        if not isinstance(kind, str) or not 0 < len(kind) <= MAX_KIND_CHARS or kind in _NONE:
            return None
        place = self._place(place, body.get("id"), is_over=is_over)
        done = done and (is_over or kind in _RUN_THERE)
        if place in self._done or (place in self._sizes and not done):
            return None
        fitting = _fitting(storable_json(body), MAX_BYTES - self._size_without(place))
        if fitting is None:
            return None
        is_new = place not in self._sizes
        self._sizes[place] = json_bytes(fitting)
        if done:
            self._done.add(place)
        index = len(self._sizes) - 1 if is_new else list(self._sizes).index(place)
        return ItemPart(index, fitting, done)

    def _place(self, place: Any, item_id: Any, *, is_over: bool) -> Any:
        """The place of an item as first read: a final output may have others, and no item twice."""
        if not isinstance(item_id, str):
            return place
        if not is_over:
            self._places.setdefault(item_id, place)
            return place
        known = self._places.get(item_id)
        if known is None and place in self._places.values():
            return item_id
        return place if known is None else known

    def _size_without(self, place: Any) -> int:
        return sum(size for other, size in self._sizes.items() if other != place)


def _fitting(body: JSON, room: int) -> JSON | None:
    """The item without its largest fields, as far as it is too large; None: nothing of it fits."""
    sizes = {name: json_bytes({name: value}) for name, value in body.items()}
    for name in sorted(sizes.keys() - set(_KEPT), key=lambda name: (-sizes[name], name)):
        if sum(sizes.values()) <= room:
            break
        del sizes[name]
    return {name: body[name] for name in sizes} if sum(sizes.values()) <= room else None

"""The received texts and calls of one response, and the rest of them in events that repeat them whole. Pure.

Places and ids differ between the events of some servers, so texts are compared, and calls counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chat.protocol.events import JSON


@dataclass(slots=True)
class Received:
    """One kind of text, or the arguments of one call. `begun`: the number of pieces before this item."""

    pieces: list[str] = field(default_factory=list)
    begun: int = 0

    @property
    def in_item(self) -> bool:
        """Whether this item has any."""
        return len(self.pieces) > self.begun

    def rest(self, whole: str) -> str:
        """The rest of the whole; nothing if it begins with other text."""
        return _rest(self.pieces, whole)

    def rest_of_item(self, whole: str) -> str:
        """The rest of this item."""
        return _rest(self.pieces[self.begun :], whole)

    def end_item(self) -> None:
        """The next pieces are of another item."""
        self.begun = len(self.pieces)


@dataclass(frozen=True, slots=True)
class Call:
    """A call. `index`: among the calls; `item_id`: the server's."""

    index: int
    call_id: str
    item_id: Any


def id_of(item: JSON) -> Any:
    """The id that a call's result will name."""
    return item.get("call_id") or item.get("id") or ""


def with_id(calls: Sequence[Call], call_id: Any) -> Call | None:
    """The first of these calls with this id."""
    return next((call for call in calls if call_id and call.call_id == call_id), None)


def paired(calls: Sequence[Call], items: Sequence[JSON]) -> list[Call | None]:
    """The call of each item of the whole output: by its id, else in order; None: it has not begun."""
    left, found = list(calls), []
    for item in items:
        found.append(with_id(left, id_of(item)))
        left = [call for call in left if call is not found[-1]]
    return [call or (left.pop(0) if left else None) for call in found]


def _rest(pieces: Sequence[str], whole: str) -> str:
    known = "".join(pieces)
    return whole[len(known) :] if whole.startswith(known) else ""

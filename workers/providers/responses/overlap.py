"""Drop the known parts of a repeated answer. Pure.

A server repeats its events exactly, so the beginning of each lane - a kind of text, or one call - is known by
its length. Where the pieces were divided does not matter. The beginning of another item, and its end, are two
lanes: known, or not.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from chat.protocol.pieces import CallPart, ItemPart, Part, Piece

Lane = str | int | tuple[str, int]


@dataclass(slots=True)
class Lengths:
    """Characters by lane: a kind of text, or a call's index."""

    _chars: dict[Lane, int] = field(default_factory=dict)

    @classmethod
    def of(cls, parts: Iterable[Part]) -> "Lengths":
        """The lengths of an answer so far."""
        lengths = cls()
        lengths.add(parts)
        return lengths

    def copy(self) -> "Lengths":
        """The same lengths, for `dropped`."""
        return Lengths(dict(self._chars))

    def add(self, parts: Iterable[Part]) -> None:
        """Count more of the answer."""
        for part in parts:
            for lane, text in _texts(part):
                self._chars[lane] = self._chars.get(lane, 0) + len(text)

    def dropped(self, parts: Iterable[Part]) -> list[Part]:
        """The parts without these lengths, which shrink by the dropped text."""
        kept = []
        for part in parts:
            lane, text = _texts(part)[-1]
            if lane not in self._chars:
                kept.append(part)
                continue
            known = min(self._chars[lane], len(text))
            self._chars[lane] -= known
            if len(text) > known:
                kept.append(_more(part, text[known:]))
        return kept


def _texts(part: Part) -> list[tuple[Lane, str]]:
    """The lanes of a part; a text that is known by its lane alone is empty."""
    match part:
        case CallPart():
            return [(part.index, part.arguments)]
        case ItemPart():
            begun, done = ("begun", part.index), ("done", part.index)
            return [(begun, ""), (done, "")] if part.done else [(begun, "")]
    return [(part.kind, part.text)]


def _more(part: Part, text: str) -> Part:
    """The same part with this text only; a call that is known has its name already."""
    if isinstance(part, CallPart):
        return CallPart(part.index, arguments=text)
    assert isinstance(part, Piece)  # another item has no text
    return Piece(part.kind, text)

"""Pieces of text, parts of function calls and other items, as a model generates them. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from chat.protocol.events import JSON

PieceKind = Literal["text", "reasoning", "refusal"]


@dataclass(frozen=True, slots=True)
class Piece:
    """More text of one kind."""

    kind: PieceKind
    text: str


@dataclass(frozen=True, slots=True)
class CallPart:
    """More of a function call. `index`: its place among the answer's calls, from 0.

    The first part of a call has its `name`, and its `id` if the server gave one.
    """

    index: int
    name: str = ""
    id: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class ItemPart:
    """An item of another kind, such as a web search of the model's server: begun, or `done`.

    `index`: its place among the answer's items of such kinds, from 0. `body`: the item, as the server has it.
    """

    index: int
    body: JSON
    done: bool


Part = Piece | CallPart | ItemPart


def part_text(part: Part) -> str:
    """The text of a piece, or the arguments of a call; of another item, which has a separate bound, none."""
    match part:
        case Piece():
            return part.text
        case CallPart():
            return part.arguments
    return ""


def joined(parts: Iterable[Part]) -> Sequence[Part]:
    """Join neighbours: pieces of one kind, and the arguments of one call."""
    runs: list[list[Part]] = []
    for part in parts:
        if runs and _continues(runs[-1][0], part):
            runs[-1].append(part)
        else:
            runs.append([part])
    return [run[0] if len(run) == 1 else _one(run) for run in runs]


def _continues(first: Part, part: Part) -> bool:
    if isinstance(first, CallPart):
        return isinstance(part, CallPart) and part.index == first.index and not part.name
    return isinstance(first, Piece) and isinstance(part, Piece) and part.kind == first.kind


def _one(run: list[Part]) -> Part:
    first = run[0]
    if isinstance(first, CallPart):
        arguments = "".join(part.arguments for part in run if isinstance(part, CallPart))
        return CallPart(first.index, first.name, first.id, arguments)
    assert isinstance(first, Piece)  # other items are single
    return Piece(first.kind, "".join(part.text for part in run if isinstance(part, Piece)))

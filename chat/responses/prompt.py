"""A response's prompt: the path from the tree's root to its own input."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, chain, takewhile
from uuid import UUID

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from chat.models import Response
from chat.protocol.events import JSON

BYTES_PER_TOKEN = 3  # English has 4 or more, Chinese 2 to 4: rather a turn less than a refusal
TOKENS_PER_MESSAGE = 8  # its role and marks
DEFAULT_CONTEXT = 131_072  # of a model whose context is unknown: no prompt is unbounded
PAGE_TURNS = 50  # per query of their text
MAX_STANDING = 100  # turns whose system or developer messages are kept though they are left out
ANSWER_SHARE = 4  # at most a quarter of the context is kept for the answer
STANDING = frozenset({"system", "developer"})  # roles that hold for the whole conversation


@dataclass(frozen=True, slots=True)
class Prompt:
    """The model's messages, `[{"role", "content"}]`; `omitted_turns`: oldest ones that did not fit."""

    messages: list[JSON]
    omitted_turns: int = 0


def prompt(response: Response, context: int | None = None, limit: int | None = None) -> Prompt:
    """Compose the prompt; leave out the oldest turns that do not fit into `context`, in tokens.

    `limit`: of the answer, in tokens. Instructions and the newest input stay, also if they do not fit. System
    and developer messages of omitted turns follow the instructions, as far as they fit.
    Blocks: one query for the path, one for each page of its text, one for those messages.
    """
    context = DEFAULT_CONTEXT if context is None else context
    first: list[JSON] = []
    if response.instructions:
        first.append({"role": "system", "content": response.instructions})
    answer = min(limit or context, context // ANSWER_SHARE)
    room = context - answer - tokens([*first, *response.input])
    path = Response.objects.answered_path(response.previous_id) if response.previous_id else []
    turns = _newest(path, room)
    standing: dict[UUID, list[JSON]] = {}
    if len(turns) < len(path):
        standing = _standing_of(path, room)
        room -= sum(map(tokens, standing.values()))
        sizes = (tokens(turn) - tokens(standing.get(at, [])) for at, turn in zip(path, turns, strict=False))
        turns = turns[: fitting(sizes, room)]
    kept = len(turns)
    first += _joined(standing.get(at, []) for at in reversed(path[kept:]))
    return Prompt([*first, *_joined(reversed(turns)), *response.input], len(path) - kept)


def tokens(messages: Iterable[JSON]) -> int:
    """Estimate, rather too high, the tokens of messages."""
    return sum(
        TOKENS_PER_MESSAGE + math.ceil(len(str(message["content"]).encode()) / BYTES_PER_TOKEN)
        for message in messages
    )


def fitting(sizes: Iterable[int], room: int) -> int:
    """The number of first sizes whose sum is at most `room`."""
    return sum(1 for _ in takewhile(lambda total: total <= room, accumulate(sizes)))


def _newest(path: list[UUID], room: int) -> list[list[JSON]]:
    """The newest turns that fit; reads a page beyond them at most."""
    turns: list[list[JSON]] = []
    for start in range(0, len(path), PAGE_TURNS):
        page = [_messages(turn) for turn in _rows(path[start : start + PAGE_TURNS])]
        kept = fitting(map(tokens, page), room)
        turns += page[:kept]
        room -= sum(map(tokens, page[:kept]))
        if kept < len(page):
            break
    return turns


def _rows(ids: list[UUID]) -> list[Response]:
    found = Response.objects.only("input", "output").in_bulk(ids)
    return [found[each] for each in ids]


def _standing_of(path: list[UUID], room: int) -> dict[UUID, list[JSON]]:
    """The standing messages of the newest turns that have any, as far as they fit."""
    text = Cast("input", TextField())
    marked = Response.objects.filter(pk__in=path).annotate(text=text)
    wanted = marked.filter(Q(text__contains='"system"') | Q(text__contains='"developer"'))
    found = {row.pk: _standing(row.input) for row in wanted.order_by("-pk").only("input")[:MAX_STANDING]}
    ordered = [at for at in path if found.get(at)]
    return {at: found[at] for at in ordered[: fitting((tokens(found[at]) for at in ordered), room)]}


def _messages(turn: Response) -> list[JSON]:
    return [*turn.input, {"role": "assistant", "content": turn.output}]


def _standing(messages: list[JSON]) -> list[JSON]:
    return [message for message in messages if message["role"] in STANDING]


def _joined(turns: Iterable[list[JSON]]) -> list[JSON]:
    return list(chain.from_iterable(turns))

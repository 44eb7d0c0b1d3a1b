"""The excerpts of a page of search results: the text around the first match, and its turn.

Turns are searched as by `search.py`, within its bounds; texts are read of one turn of each result.
"""

import re
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Left

from chat.conversations.search import MAX_TEXT_CHARS, ignoring_case, searched
from chat.ids import RESPONSE, wire_id
from chat.models import Conversation, Response
from chat.protocol.events import JSON

BEFORE_CHARS = 30
AFTER_CHARS = 90


def excerpts(
    owner_id: int | None, words: Sequence[str], conversation_ids: Iterable[UUID]
) -> dict[UUID, JSON]:
    """Excerpts by conversation: `{response, side, parts}`, whose odd parts are the found words.

    A turn with all words comes before one with any; none: only the title has them.
    """
    if not words:
        return {}
    turns = _matching_turns(owner_id, words, conversation_ids)
    texts = Left("asked", MAX_TEXT_CHARS), Left("output", MAX_TEXT_CHARS)
    rows = Response.objects.filter(pk__in=turns.values()).values_list("pk", *texts)
    by_turn = {pk: _excerpt(words, pk, question, answer) for pk, question, answer in rows}
    found = {conversation: by_turn.get(turn) for conversation, turn in turns.items()}
    return {conversation: each for conversation, each in found.items() if each}


def _matching_turns(
    owner_id: int | None, words: Sequence[str], conversation_ids: Iterable[UUID]
) -> dict[UUID, UUID]:
    """The first matching turn of each conversation."""
    every, some = Q(), Q()
    for pattern in map(ignoring_case, words):
        match = Q(question__regex=pattern) | Q(answer__regex=pattern)
        every, some = every & match, some | match
    own = searched(owner_id).filter(conversation=OuterRef("pk")).order_by("id")
    first = [Subquery(own.filter(condition).values("pk")[:1]) for condition in (every, some)]
    rows = Conversation.objects.filter(pk__in=list(conversation_ids)).annotate(turn=Coalesce(*first))
    return dict(rows.filter(turn__isnull=False).values_list("pk", "turn"))


def _excerpt(words: Sequence[str], turn: UUID, question: str, answer: str) -> JSON | None:
    """Of the side with more of the words; of the question, if both have as many."""
    patterns = [re.compile(ignoring_case(word)) for word in words]
    pattern = re.compile("|".join(each.pattern for each in patterns))
    sides = {"question": question, "answer": answer}
    side = max(sides, key=lambda name: sum(each.search(sides[name]) is not None for each in patterns))
    match = pattern.search(sides[side])
    if match is None:
        return None
    parts = _parts(pattern, sides[side], match.start())
    return {"response": wire_id(RESPONSE, turn), "side": side, "parts": parts}


def _parts(pattern: re.Pattern[str], text: str, at: int) -> list[str]:
    """The text around a match, in one line and whole words; each odd part is a match."""
    begin, end = max(0, at - BEFORE_CHARS), at + AFTER_CHARS
    if begin:
        begin = next((place.end() for place in re.finditer(r"\s", text[begin:at])), 0) + begin
    shown = " ".join(text[begin:end].split())
    if end < len(text):
        shown = (shown.rpartition(" ")[0] if " " in shown[at - begin + 1 :] else shown) + "…"
    shown = ("…" if begin else "") + shown
    return re.split(f"({pattern.pattern})", shown)

"""The search: which conversations of an owner hold some words.

arrow in: what the reader typed · arrow out: conditions on the rows, for `conversations`

SQLite has no search that knows all letters, so it asks Python about each text. What one search may read is
therefore bounded: 40 million characters for each word, at worst.
"""

import re
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Left

from chat.models import Response
from chat.protocol.commands import storable
from chat.protocol.errors import CommandError

MAX_SEARCH_CHARS = 100
MAX_WORDS = 5  # those after them are not looked for
MAX_WORD_CHARS = 30  # a longer word is looked for by its beginning
MAX_RESPONSES = 2_000  # the owner's latest
MAX_TEXT_CHARS = 10_000  # the beginning of a question, and of an answer

NO_ID = UUID(int=0)  # before every other


def words(search: str) -> list[str]:
    """What to look for. Raises CommandError for a search that cannot be."""
    try:
        storable(search)
    except ValueError:
        raise CommandError("invalid_field", "search") from None
    if len(search) > MAX_SEARCH_CHARS:
        raise CommandError("invalid_field", "search")
    return [word[:MAX_WORD_CHARS] for word in search.split()[:MAX_WORDS]]


def holding(owner_id: int | None, wanted: list[str]) -> Q:
    """The condition that a conversation of the owner's has each of the words, in any case.

    Each may be in its title or in one of the texts that are searched.
    """
    turns = _searched(owner_id).filter(conversation=OuterRef("pk"))
    condition = Q()
    for word in map(in_any_case, wanted):
        said = turns.filter(Q(question__regex=word) | Q(answer__regex=word))
        condition &= Q(title__regex=word) | Q(Exists(said))
    return condition


def in_any_case(word: str) -> str:
    """The regular expression of a word whose letters may be capital or not.

    It names both: SQLite's LIKE, and PostgreSQL in the locale C, know the cases of ASCII letters only.
    """
    pairs = ((letter, letter.lower(), letter.upper()) for letter in word)
    return "".join(
        f"[{small}{capital}]" if small != capital and len(small + capital) == 2 else re.escape(letter)
        for letter, small, capital in pairs
    )


def _searched(owner_id: int | None) -> QuerySet[Response]:
    """The latest responses of the owner, with the beginnings of their texts as `question` and `answer`.

    Others' are not left out: their conversations are not the owner's. The database would use the index by
    owner, for each conversation anew.
    """
    own = Response.objects.filter(owner_id=owner_id)
    oldest = own.order_by("-id").values("id")[MAX_RESPONSES - 1 : MAX_RESPONSES]
    latest = Response.objects.filter(id__gte=Coalesce(Subquery(oldest), NO_ID))
    return latest.alias(question=Left("asked", MAX_TEXT_CHARS), answer=Left("output", MAX_TEXT_CHARS))

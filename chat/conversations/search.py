"""Search an owner's titles, questions and answers for words.

SQLite calls Python per text, so a search reads at most 40 million characters per word.
"""

import re
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Left

from chat.models import Response
from chat.protocol.errors import CommandError
from chat.protocol.fields import require_storable

MAX_SEARCH_CHARS = 100
MAX_WORDS = 5  # more are ignored
MAX_WORD_CHARS = 30  # the rest is ignored
MAX_RESPONSES = 2_000  # the owner's latest
MAX_TEXT_CHARS = 10_000  # of each question and each answer

NO_ID = UUID(int=0)  # the lowest


def parse_words(search: str) -> list[str]:
    """Split a search into words. Raises CommandError."""
    try:
        require_storable(search)
    except ValueError:
        raise CommandError("invalid_field", "search") from None
    if len(search) > MAX_SEARCH_CHARS:
        raise CommandError("invalid_field", "search")
    return [word[:MAX_WORD_CHARS] for word in search.split()[:MAX_WORDS]]


def containing(owner_id: int | None, words: list[str]) -> Q:
    """Condition: a conversation has every word in its title or a searched text."""
    turns = searched(owner_id).filter(conversation=OuterRef("pk"))
    condition = Q()
    for word in map(ignoring_case, words):
        matches = turns.filter(Q(question__regex=word) | Q(answer__regex=word))
        condition &= Q(title__regex=word) | Q(Exists(matches))
    return condition


def ignoring_case(word: str) -> str:
    """A word's regular expression, with both cases of each letter.

    SQLite's LIKE, and PostgreSQL in locale C, ignore case in ASCII only.
    """
    pairs = ((letter, letter.lower(), letter.upper()) for letter in word)
    return "".join(
        f"[{small}{capital}]" if small != capital and len(small + capital) == 2 else re.escape(letter)
        for letter, small, capital in pairs
    )


def searched(owner_id: int | None) -> QuerySet[Response]:
    """The owner's latest listed responses, with the start of their texts as `question` and `answer`.

    Only conversations are filtered by owner: a second filter would use the owner index again for each.
    """
    own = Response.objects.filter(owner_id=owner_id, listed=True)
    oldest = own.order_by("-id").values("id")[MAX_RESPONSES - 1 : MAX_RESPONSES]
    latest = Response.objects.filter(id__gte=Coalesce(Subquery(oldest), NO_ID))
    return latest.alias(question=Left("asked", MAX_TEXT_CHARS), answer=Left("output", MAX_TEXT_CHARS))

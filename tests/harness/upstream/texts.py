"""The texts of the models, in the pieces that are streamed."""

import re
from itertools import cycle, islice
from pathlib import Path

CHARACTERS = (
    "naïve ",
    "水車 ",
    "🌊 ",
    "e\u0301té ",
    "👩‍💻 ",
)  # 2, 3 and 4 bytes, a combining accent, a joined emoji
HOSTILE = ("nul\0 ", "lone\ud800 ", "pair\ud83d", "\ude00 ", "end")


def words(text: str) -> list[str]:
    """Return the words of a text, each with the space before it."""
    return re.findall(r"\s*\S+|\s+$", text)


def numbered(letter: str, count: int) -> list[str]:
    """Return the pieces of "w0 w1 w2 …"; all but the first begin with the space."""
    return [f"{' ' if number else ''}{letter}{number}" for number in range(count)]


def characters(count: int) -> list[str]:
    """Return words whose characters have many bytes."""
    return list(islice(cycle(CHARACTERS), count))


def article(count: int) -> list[str]:
    """Return the first words of a Markdown text with one of every element, repeated as necessary."""
    return list(islice(cycle(ARTICLE), count))


# the white space is behind each word, so that the next article is a block of its own
ARTICLE = re.findall(r"\S+\s*", (Path(__file__).parent / "article.md").read_text())

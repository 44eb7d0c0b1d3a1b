"""Find phrases in docstrings, comments and documents that plain technical English does not need."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

# phrase → use instead; a space in a phrase stands for any white space
INSTEAD = {
    r"\b(tell|tells|telling|told)\b": "notify, send, return, show; distinguish",
    r"\baway\b": "unavailable, hidden, lost; immediately",
    r"\bmuted?\b": "unresponsive, silent",
    r"\bhints?\b": "notification",
    r"\bnews\b": "change, change event",
    r"\bwho(so)?ever\b": "the client, the user, the caller",
    r"\bwho it (is|was)\b": "the user",
    r"\b(is|are|was|were) said\b": "is stated, is reported",
    r"\b(nobody|somebody)\b": "no client, another user",
    r"\b(go|goes|going|went|gone) on\b": "continue",
    r"\b(come|comes|coming|came) back\b": "return, reconnect",
    r"\b(is|are|was|were) gone\b": "is lost, closed, deleted",
    r"\b(look|looks|looked|looking) (at|again|whether)\b": "check, read, retry",
    r"\bof (its|their|our|an? \w+'s) own\b": "own, separate",
    r"\bwhat (was|were|has been|had been)\b(?![^.?!]*\?)": "a noun: missed events, sent text",
    r"\buntil \w+ can tell\b|\bsessions are still theirs\b|\bnothing is heard\b": "the session check",
    r"\bof what waits for a\b|\bat least so great\b": "the queue position",
    r"\bcosts more than what it does\b|\bthat they can have used\b|\band was quicker\b": "the rule itself",
    r"\bsays so again\b|\bwhat is loaded stays\b|\bwaited for ever\b": "the event itself",
    r"\bnobody said what\b|\bwork that was done\b": "the error, the status",
}
OPENING = r"""
    (?:\A | (?<=[.?!])\s+ | \n\s*\n | (?:\A|\n)\s*(?:[-*]|\d+\.|\#+|>)\s | \|)\s*  # where a sentence begins
    (?P<found>(?:what|who|whose|whatever)\s+\w(?:[^.?!|]|[.?!](?=[^\s|]))*)          # up to its end
    (?P<end>[.?!]|\||\Z)
"""
FORBIDDEN = {re.compile(phrase.replace(" ", r"\s+"), re.IGNORECASE): use for phrase, use in INSTEAD.items()}
SENTENCE = re.compile(OPENING, re.IGNORECASE | re.VERBOSE)


@dataclass(frozen=True)
class Passage:
    """Consecutive lines of prose, and the number of the first in its file."""

    line: int
    text: str


def faults(passage: Passage) -> Iterator[tuple[int, str, str]]:
    """The line, the text and the remedy of each forbidden phrase."""
    for phrase, use in FORBIDDEN.items():
        for match in phrase.finditer(passage.text):
            yield _line(passage, match.start()), match.group(), use
    for match in SENTENCE.finditer(passage.text):
        if match["end"] != "?":
            yield _line(passage, match.start("found")), match["found"][:40], "open with the subject's noun"


def _line(passage: Passage, offset: int) -> int:
    return passage.line + passage.text.count("\n", 0, offset)


def passages(path: Path) -> Iterator[Passage]:
    """The prose of a file."""
    source = path.read_text()
    if path.suffix == ".py":
        yield from docstrings(source)
        yield from comments(source)
    elif path.suffix == ".md":
        yield Passage(1, prose(source))
    else:
        yield from script_comments(source)


def docstrings(source: str) -> Iterator[Passage]:
    """The docstrings of a Python module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=False)
            if text is not None:
                yield Passage(node.body[0].lineno, _without_code(text))


def comments(source: str) -> Iterator[Passage]:
    """The comments of a Python module; lines that follow each other at one column are one passage."""
    found = [
        token
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    ]
    numbered = enumerate(found)
    for _, block in groupby(numbered, lambda pair: (pair[1].start[0] - pair[0], pair[1].start[1])):
        tokens = [token for _, token in block]
        text = "\n".join(token.string.lstrip("#! ") for token in tokens)
        yield Passage(tokens[0].start[0], _without_code(text))


def script_comments(source: str) -> Iterator[Passage]:
    """The comments of a JavaScript module."""
    for match in re.finditer(r"/\*.*?\*/|(?<![:\"'`\\/])(?://[^\n]*(?:\n[ \t]*(?=//))?)+", source, re.DOTALL):
        text = re.sub(r"^[ \t]*(?://|/?\*+/?)[ \t]?|\*/", "", match.group(), flags=re.MULTILINE)
        yield Passage(source.count("\n", 0, match.start()) + 1, _without_code(text))


def prose(source: str) -> str:
    """The text of a Markdown document without its blocks of code, line for line."""
    fenced = re.sub(
        r"^[ ]*```.*?^[ ]*```", lambda match: "\n" * match.group().count("\n"), source, flags=re.S | re.M
    )
    return _without_code(fenced)


def _without_code(text: str) -> str:
    return re.sub(r"`[^`\n]+`", "`code`", text)

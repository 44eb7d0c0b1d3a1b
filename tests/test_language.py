"""Docstrings, comments and documents are in plain technical English, as far as a pattern can decide."""

import subprocess
from pathlib import Path

import pytest

from tests import prose
from tests.harness.processes import ROOT
from tests.prose import Passage

FOREIGN = (
    "chat/static/chat/built/",
    "chat/static/chat/vendor/",
    "tests/browser/hostile/",
    "tests/harness/upstream/article.md",
)


def found(text: str) -> list[str]:
    return [phrase for _, phrase, _ in prose.faults(Passage(1, text))]


@pytest.mark.slow
def test_no_forbidden_phrase_returns() -> None:
    listed = ["git", "ls-files", "*.py", "*.js", "*.mjs", "*.md"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    faults = [
        f"{name}:{line}: {' '.join(phrase.split())!r} → {use}"
        for name in names
        if not name.startswith(FOREIGN)
        for passage in prose.passages(ROOT / name)
        for line, phrase, use in prose.faults(passage)
    ]
    assert not faults, "\n".join([f"{len(faults)} phrases to replace:", *faults])


@pytest.mark.parametrize(
    "text",
    [
        "Tell the readers.",
        "They were told\nby the worker.",
        "Redis is away.",
        "A hint for the readers.",
        "It is said twice.",
        "Nobody waits.",
        "The answer goes on.",
        "The client comes\nback.",
        "The log is gone.",
        "Look whether it runs.",
        "A server of its own.",
        "A Valkey of a test's own.",
        "Send what was missed.",
        "What the reader needs.",
        "what runs leave behind",
        "Close it. Who asks is known.",
        "One line.\n\nWhose turn it is.",
        "- what a list item holds",
        "| what a cell holds |",
        "## What happens",
    ],
)
def test_a_forbidden_phrase_is_found_once(text: str) -> None:
    assert len(found(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "What is it? A list.",
        "## What survives a restart?",
        "Send what the client misses.",
        "A new hinterland, gateways, newspapers, a teller.",
        "The own database.",
        "Check whether it runs; return its rows.",
        "| What | Where |",
        "`tell` is a name, and `away` too",
        "What changes in v1.2, and why?",
    ],
)
def test_plain_english_passes(text: str) -> None:
    assert found(prose.prose(text)) == []


def test_docstrings_and_comments_of_python_are_read_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text('"""One.\n\nIt is told."""\n\nA = "told"  # it was\n# told, told\n# again: told\n')
    assert lines(file) == [3, 6, 6, 7]


def test_comments_of_javascript_are_read_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "module.js"
    file.write_text('/**\n * It is\n * told.\n */\nconst a = "https://told"; // told\n// comes\n// back\n')
    assert lines(file) == [3, 5, 6]


def test_documents_are_read_without_code(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text("# One\n\n```console\n$ tell\n```\n\nIt is told.\n")
    assert lines(file) == [7]


def lines(file: Path) -> list[int]:
    return sorted(line for passage in prose.passages(file) for line, _, _ in prose.faults(passage))

"""Every text that a script shows stands in `sentences/`, as far as a pattern can decide."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.processes import ROOT

SCRIPTS = ROOT / "chat/static/chat"
FOREIGN = {"built", "vendor", "sentences"}

TOKEN = re.compile(
    r"""
    //[^\n]* | /\*.*?\*/
    | (?P<string> "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*')
    | (?P<template> `(?:[^`\\$] | \\. | \$(?!\{) | \$\{(?:[^{}`] | `[^`]*` | \{[^{}]*\})*\})*`)
    | (?<=[(,=:\[!&|?;\s])/(?![*/\s])(?:[^/\\\n\[] | \\. | \[(?:[^\]\\\n]|\\.)*\])+/
    """,
    re.DOTALL | re.VERBOSE,
)
PLACEHOLDER = re.compile(r"\$\{((?:[^{}`]|`[^`]*`|\{[^{}]*\})*)\}")

SHOWN = re.compile(
    r"""
    \b(?:textContent|innerText|ariaLabel|ariaDescription|title|placeholder|alt|label|text) \s* [=:] \s*
    | \bset\([^"\n]*"(?:textContent|ariaLabel|ariaDescription|title|placeholder|alt)", \s*
    | \bsetAttribute\("(?:aria-label|aria-description|title|placeholder|alt)", \s*
    | \belement\(\s*"\w+", \s* "[^"]*", \s*
    | \bbutton\(\s*"[^"]*", \s*
    | \b(?:append|announce|warn|Notification|Option)\( \s*
    """,
    re.VERBOSE,
)
FOR_PROGRAMS = re.compile(
    r"""
    \bbutton\(\s* | \belement\(\s*"\w+", \s* | \brel: \s*
    | \b(?:find|querySelector|querySelectorAll|closest|matchMedia)\(\s*
    | \bString\.raw  # of regular expressions
    | \b(?:\w*Error|super)\(\s*  # for developers
    | \bcookie \s* = \s*
    """,
    re.VERBOSE,
)
PUT_IN = "\ufffc"
LETTER = r"[^\W\d_]"
PART = rf"[{PUT_IN}]|{LETTER}"
SENTENCE = re.compile(rf"(?:{PART})[^\w\s]*\s+[^\w\s]*(?:{PART})|^\W*[A-Z][a-z]+\b")

NOT_SHOWN = {
    *("Enter", "Escape", "Home", "End", "Delete"),  # `event.key`
    *("Files", "Notification", "Content-Type", "; Secure"),  # of browsers and HTTP
    *(
        "formula display",
        "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]",
    ),  # CSS
}
NAMES = {"markdown/entities.js"}  # of characters


def literals(source: str) -> Iterator[tuple[str, str]]:
    """The source before each string or template, and its text without escapes."""
    for token in TOKEN.finditer(source):
        text = token.group()[1:-1]
        if token["template"]:
            for placeholder in PLACEHOLDER.finditer(text):
                yield from literals(placeholder[1])
            text = PLACEHOLDER.sub(PUT_IN, text)
        if token["string"] or token["template"]:
            yield (
                source[max(0, token.start() - 200) : token.start()],
                re.sub(r"\\[^n]", "", text).replace(r"\n", " "),
            )


def ends(pattern: re.Pattern[str], before: str) -> bool:
    return any(match.end() == len(before) for match in pattern.finditer(before))


def shown(source: str) -> list[str]:
    """The literals that look like texts of the page."""
    return [
        text
        for before, text in literals(source)
        if re.search(LETTER, text)
        and (ends(SHOWN, before) or (SENTENCE.search(text) and not ends(FOR_PROGRAMS, before)))
    ]


def modules() -> list[Path]:
    own = [path for path in SCRIPTS.rglob("*.js") if not FOREIGN & set(path.relative_to(SCRIPTS).parts)]
    return [path for path in own if str(path.relative_to(SCRIPTS)) not in NAMES]


def test_no_text_of_the_page_stands_outside_its_folder() -> None:
    found = [(path, text) for path in modules() for text in shown(path.read_text())]
    assert [f"{path.relative_to(SCRIPTS)}: {text}" for path, text in found if text not in NOT_SHOWN] == []


def test_one_module_knows_how_numbers_and_moments_are_written() -> None:
    own = [path for path in SCRIPTS.rglob("*.js") if not {"built", "vendor"} & set(path.parts)]
    formats = re.compile(r"\bIntl\.|\.toLocale|\.toFixed\(")
    assert [path.name for path in own if formats.search(path.read_text())] == ["locale.js"]


@pytest.mark.parametrize(
    "source",
    [
        'const text = "Try again";',
        'return found ? 1 : "Edit";',
        "return `${count} tokens`;",
        "return `No ${name ? `a` : 'b'}`;",
        'warn(`${name ? "was not added" : ""}`);',
        'made.title = "copy";',
        'set(this.#name, "ariaLabel", `upload:${name}`);',
        'made.setAttribute("aria-label", "close");',
        'element("span", "", "code")',
        'button(\n  "copy quiet",\n  "copy",\n)',
        'const two = a / b; label = "size"; c = a / b;',
    ],
)
def test_a_text_is_found(source: str) -> None:
    assert shown(source)


@pytest.mark.parametrize(
    "source",
    [
        'import { copyButton } from "../dom/copy_button.js";',
        '// "Try again"\n/* "Try again" */',
        'element("div", "output markdown")',
        'button("copy quiet", COPY)',
        'find("button, input", HTMLElement)',
        'throw new TypeError("no such element");',
        'split(/["\' ]a b["]/)',
        'set(made, "textContent", COPY)',
        "made.textContent = `${at}/${count}`;",
        'event.key === "ArrowDown"',
    ],
)
def test_names_of_programs_are_no_texts(source: str) -> None:
    assert shown(source) == []

"""The file `.env`: on each line NAME=value, `export NAME=value` or a comment, and nothing else.

A line that another reader would take otherwise, or not at all, raises ImproperlyConfigured: the file and the
line's number, and never its text, which may be a secret.
"""

import os
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

ASSIGNMENT = re.compile(r"(export )?(?P<name>[A-Za-z_][A-Za-z_0-9]*)=(?P<value>.*)")
BYTE_ORDER_MARK = "\ufeff"


def load(path: Path) -> None:
    """Add the variables that the environment does not have, or has empty."""
    values = dict(_assignments(path))
    for name in values:
        if not os.environ.get(name, "").strip():
            os.environ.pop(name, None)
    environ.Env.read_env(StringIO("\n".join(f"{name}={value}" for name, value in values.items())))


def _assignments(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(_text(path).splitlines(), start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            yield _assignment(path, number, text)


def _text(path: Path) -> str:
    if not path.is_file():  # reading a pipe would wait for ever
        raise _wrong(path, "it is no regular file")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _wrong(path, f"{error.strerror}") from None
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        raise _wrong(path, f"line {number} is no UTF-8") from None
    if text.startswith(BYTE_ORDER_MARK):
        raise _wrong(path, "line 1 begins with a byte order mark; save it as UTF-8 without one")
    return text


def _assignment(path: Path, number: int, line: str) -> tuple[str, str]:
    match = ASSIGNMENT.fullmatch(line)
    if match is None or "\0" in line:
        raise _wrong(path, f"line {number} is no NAME=value, without spaces before the =, and no # comment")
    value = match["value"].strip()
    if value[:1] in ("'", '"') and (len(value) == 1 or value[0] != value[-1]):
        raise _wrong(path, f"line {number} has a quote without its other one at the end")
    return match["name"], value


def _wrong(path: Path, fault: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{path} cannot be read: {fault}.")

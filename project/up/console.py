"""Terminal output, each line after its part's name."""

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import TextIO

NAME_CHARS = 8
OURS = "up"
COLOURS = (36, 35, 32, 33, 34, 96, 95, 92, 93, 94)  # ANSI, legible on dark and light


def is_colourful(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """True on a terminal, unless NO_COLOR is set."""
    return stream.isatty() and not environ.get("NO_COLOR")


class Console:
    """Writes whole lines; ignores a closed terminal. Hides lines of parts until `show_parts`."""

    def __init__(self, stream: TextIO, *, colour: bool, verbose: bool = False) -> None:
        self._stream: TextIO | None = stream
        self._colour = colour
        self._verbose = self._shows_parts = verbose
        self._names: list[str] = []

    def say(self, text: str) -> None:
        """Write lines of `up`."""
        for line in text.splitlines():
            self._write(self._painted(f"{OURS:<{NAME_CHARS}} |", 1) + f" {_plain(line)}")

    def show_parts(self) -> None:
        """Show lines of parts."""
        self._shows_parts = True

    def hide_parts(self) -> None:
        """Hide lines of parts, unless verbose."""
        self._shows_parts = self._verbose

    def line(self, name: str, text: str) -> None:
        """Write a part's line, if shown."""
        if self._shows_parts:
            self._write(self._painted(f"{name:<{NAME_CHARS}} |", self._colour_of(name)) + f" {_plain(text)}")

    def _colour_of(self, name: str) -> int:
        if name not in self._names:
            self._names.append(name)
        return COLOURS[self._names.index(name) % len(COLOURS)]

    def _painted(self, text: str, code: int) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    def _write(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except OSError:  # closed terminal or pipe
            self._discard_stream(self._stream)

    def _discard_stream(self, stream: TextIO) -> None:
        self._stream = None
        with suppress(OSError, ValueError):
            # the buffer must not fail again at exit
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)


def _plain(text: str) -> str:
    """Replace control characters."""
    return "".join(char if char.isprintable() or char == "\t" else "�" for char in text)

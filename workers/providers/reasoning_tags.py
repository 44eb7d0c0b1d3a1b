"""Separate reasoning that a server leaves in the text, between tags. Pure."""

from typing import Literal

MAX_BLANK = 64  # characters before the opening tag

Place = Literal["start", "inside", "after", "outside"]


class TagSplitter:
    """Splits deltas; an opening tag counts at the very start only: a model may write about it.

    Without an opening tag the text begins inside. None: no tags.
    """

    def __init__(self, tags: tuple[str, str] | None) -> None:
        self._open, self._close = tags or ("", "")
        self._place: Place = "start" if self._open else "inside"
        if not self._close:
            self._place = "outside"
        self._reasons = False  # there was reasoning; blanks before it are dropped
        self._held = ""  # perhaps the first characters of a tag

    @property
    def outside(self) -> bool:
        """Whether all further deltas are text."""
        return self._place == "outside"

    def split(self, text: str) -> tuple[str, str]:
        """Return (text, reasoning)."""
        text, self._held, reasoning = self._held + text, "", ""
        if self._place == "start":
            text = self._start(text)
        if self._place == "inside":
            reasoning, text = self._inside(text)
        if self._place == "after":
            text = text.lstrip()
            self._place = "outside" if text else "after"
        return text, reasoning

    def flush(self) -> tuple[str, str]:
        """Return the held (text, reasoning): perhaps no delta follows."""
        held, self._held = self._held, ""
        if self._place == "inside":
            return "", held
        self._place = "outside" if held else self._place
        return held, ""

    def _start(self, text: str) -> str:
        words = text.lstrip()
        if len(text) - len(words) <= MAX_BLANK:
            if words.startswith(self._open):
                self._place = "inside"
                return words.removeprefix(self._open)
            if self._open.startswith(words):
                self._held = text
                return ""
        self._place = "outside"
        return text

    def _inside(self, text: str) -> tuple[str, str]:
        reasoning, closed, text = text.partition(self._close)
        if not self._reasons:
            reasoning = reasoning.lstrip()
            self._reasons = bool(reasoning)
        if closed:
            self._place = "after"
            return reasoning, text
        kept = next((n for n in range(len(self._close) - 1, 0, -1) if reasoning.endswith(self._close[:n])), 0)
        self._held = reasoning[len(reasoning) - kept :]
        return reasoning[: len(reasoning) - kept], ""

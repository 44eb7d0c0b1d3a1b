"""Providers' values: chunks of an answer, pauses, one typed error."""

from dataclasses import dataclass, field
from typing import Literal

from chat.protocol.events import JSON
from chat.protocol.pieces import Part, Piece, PieceKind

FinishReason = Literal["stop", "length", "content_filter"]


@dataclass(slots=True)
class Chunk:
    """The parts of one read, in their order. `finish` and `usage` come once, near the end."""

    parts: list[Part] = field(default_factory=list)
    finish: FinishReason | None = None
    usage: JSON | None = None

    def add(self, kind: PieceKind, text: str) -> None:
        """Add text, unless it is empty."""
        last = self.parts[-1] if self.parts else None
        if isinstance(last, Piece) and last.kind == kind:
            self.parts[-1] = Piece(kind, last.text + text)
        elif text:
            self.parts.append(Piece(kind, text))

    @property
    def text(self) -> str:
        """The message text."""
        return self._joined("text")

    @property
    def reasoning(self) -> str:
        """The reasoning text."""
        return self._joined("reasoning")

    def _joined(self, kind: PieceKind) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Piece) and part.kind == kind)


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait before the next request. `reason`: a key of FAILURES, if the server requested it."""

    seconds: float
    reason: str | None = None


@dataclass
class ProviderError(Exception):
    """The model did not answer completely. `code`: a key of FAILURES.

    `permanent`: a retry cannot help, except after the server's `retry_after` seconds.
    """

    code: str
    permanent: bool = False
    retry_after: float | None = None

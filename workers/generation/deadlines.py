"""The progress of an attempt: its deadline and its end. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from chat.protocol.composer import Ending
from chat.protocol.events import JSON
from chat.protocol.pieces import Part, Piece, part_text
from chat.responses.model_catalog import Deadlines
from workers.providers.base import Chunk, FinishReason

CLOSING_SECS = 5  # from the finish reason to the usage
MAX_CHARS = 4_194_304  # of an answer: more than a million tokens, the highest limit that a request may have

Phase = Literal["first_token", "between_tokens", "total"]


@dataclass(slots=True)
class AttemptProgress:
    """One attempt's progress, in seconds of one monotonic clock.

    `deadline`: when it times out. Only text extends it, not a server's comments.
    """

    deadlines: Deadlines
    begun: float
    deadline: float = 0
    finish: FinishReason | None = None
    usage: JSON | None = None
    error_code: str | None = None
    has_answer: bool = False  # of an attempt that this one continues, too
    chars: int = 0  # the same
    _phase: Phase = "first_token"
    _repeats: bool = False  # some gateways send a finish reason with every text

    def __post_init__(self) -> None:
        self._wait("first_token", self.begun + self.deadlines.first_token)

    def receive(self, chunk: Chunk, now: float) -> None:
        """Record a chunk."""
        self.usage = chunk.usage or self.usage
        self.has_answer = self.has_answer or any(map(is_answer, chunk.parts))
        self.chars += chars_of(chunk.parts)
        grows = bool(chunk.parts)
        self._repeats = self._repeats or (grows and self.finish is not None)
        if grows:
            self._wait("between_tokens", now + self.deadlines.between_tokens)
        if chunk.finish is not None and (grows or self.finish is None):
            self.finish = chunk.finish
            self.deadline = self.deadline if self._repeats else now + CLOSING_SECS

    @property
    def is_full(self) -> bool:
        """Whether the answer is as long as any may be: a program or a server that never ends is cut."""
        return self.chars >= MAX_CHARS

    def pause(self, seconds: float) -> None:
        """Extend the deadline by the server's pause, within the total."""
        self._wait("first_token", self.deadline + seconds)

    def fail(self, error_code: str | None = None) -> None:
        """Record an error, by default a time-out. Ignored after the finish reason, if it came once."""
        if self.finish is None or self._repeats:
            self.error_code = error_code or f"timeout_{self._phase}"

    def ending(self, at: float) -> Ending:
        """The ending, at this Unix time."""
        if self.error_code is not None:
            return Ending("failed", at, error_code=self.error_code, usage=self.usage)
        if self.is_full:
            return Ending("incomplete", at, incomplete_reason="max_output_tokens", usage=self.usage)
        if self.finish == "stop" and not self.has_answer:
            return Ending("failed", at, error_code="empty_answer", usage=self.usage)
        if self.finish == "stop":
            return Ending("completed", at, usage=self.usage)
        if self.finish == "length":
            return Ending("incomplete", at, incomplete_reason="max_output_tokens", usage=self.usage)
        return Ending("incomplete", at, incomplete_reason="content_filter", usage=self.usage)

    def _wait(self, phase: Phase, until: float) -> None:
        total = self.begun + self.deadlines.total
        self._phase, self.deadline = (phase, until) if until < total else ("total", total)


def chars_of(parts: Iterable[Part]) -> int:
    """The characters of parts."""
    return sum(len(part_text(part)) for part in parts)


def is_answer(part: Part) -> bool:
    """Whether a part answers: reasoning alone, or blanks, do not."""
    return not isinstance(part, Piece) or (part.kind != "reasoning" and bool(part.text.strip()))

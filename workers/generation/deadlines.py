"""What was heard of an answer: how long the next text may take, and how the answer ended. Pure."""

from dataclasses import dataclass
from typing import Literal

from chat.protocol.composer import Ending
from chat.protocol.events import JSON
from chat.responses.model_catalog import Deadlines
from workers.providers.base import Chunk, FinishReason

CLOSING_SECS = 5  # after its last text a server may take this long to report the usage

Phase = Literal["first_token", "between_tokens", "total"]


@dataclass(slots=True)
class AttemptProgress:
    """The state of one answer. Times are in seconds of one monotonic clock; `begun` is its start.

    `deadline` is when patience ends. Only text moves it: a server that sends comments is not alive.
    """

    deadlines: Deadlines
    begun: float
    deadline: float = 0
    finish: FinishReason | None = None
    usage: JSON | None = None
    error_code: str | None = None
    _waits_for: Phase = "first_token"

    def __post_init__(self) -> None:
        self._wait("first_token", self.begun + self.deadlines.first_token)

    def take(self, chunk: Chunk, now: float) -> None:
        """Take in what was heard at the moment `now`."""
        self.usage = chunk.usage or self.usage
        if self.finish is None and (chunk.text or chunk.reasoning):
            self._wait("between_tokens", now + self.deadlines.between_tokens)
        if self.finish is None and chunk.finish is not None:
            self.finish = chunk.finish
            self.deadline = now + CLOSING_SECS

    def pause(self, seconds: float) -> None:
        """The server has asked us to wait: that is not the model's silence, but it counts in the total."""
        self._wait("first_token", self.deadline + seconds)

    def give_up(self, error_code: str | None = None) -> None:
        """The answer broke off, with this code or by taking too long. After its finish that is no harm."""
        if self.finish is None:
            self.error_code = error_code or f"timeout_{self._waits_for}"

    def ending(self, at: float) -> Ending:
        """How the response ends, at this Unix time."""
        if self.error_code is not None:
            return Ending("failed", at, error_code=self.error_code, usage=self.usage)
        if self.finish == "stop":
            return Ending("completed", at, usage=self.usage)
        if self.finish == "length":
            return Ending("incomplete", at, incomplete_reason="max_output_tokens", usage=self.usage)
        return Ending("incomplete", at, incomplete_reason="content_filter", usage=self.usage)

    def _wait(self, phase: Phase, until: float) -> None:
        total = self.begun + self.deadlines.total
        self._waits_for, self.deadline = (phase, until) if until < total else ("total", total)

"""The record of one request; the same type in the upstream's process and in a test's."""

import time
from dataclasses import dataclass
from typing import Any


@dataclass
class Record:
    """One request. Times are `time.time()`, so that they compare between processes."""

    id: str
    model: str
    messages: list[dict[str, Any]]
    body: dict[str, Any]
    key: str  # the Bearer key, empty without one
    started_at: float
    chunks: int = 0  # chunks of text that were written
    finished: bool = False  # the whole behaviour was played, including its fault
    aborted: bool = False  # the client disconnected before that
    ended_at: float | None = None

    def finish(self) -> None:
        """Record that the behaviour is complete."""
        if self.ended_at is None:
            self.finished, self.ended_at = True, time.time()

    def abort(self) -> None:
        """Record that the client disconnected; after the end this does nothing."""
        if self.ended_at is None:
            self.aborted, self.ended_at = True, time.time()

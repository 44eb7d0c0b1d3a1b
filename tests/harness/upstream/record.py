"""What the upstream remembers of one request; the same shape in its process and in a test's."""

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
    finished: bool = False  # all was played that the model name asks for, its fault too
    aborted: bool = False  # the client left before that
    ended_at: float | None = None

    def finish(self) -> None:
        """Note that the script is played out."""
        if self.ended_at is None:
            self.finished, self.ended_at = True, time.time()

    def abort(self) -> None:
        """Note that the client left; after the end of the script this says nothing."""
        if self.ended_at is None:
            self.aborted, self.ended_at = True, time.time()

"""The record of one request; the same type in the server and in a test."""

import time
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Record:
    """One request. Times are `time.time()`, which all processes share."""

    id: str
    prompt: str  # the last message of the user, or the model's name if that has the script
    body: dict[str, Any]
    target: str  # the path with the query
    key: str  # the Bearer key, or Azure's; empty without one
    started_at: float
    method: str = "POST"
    files: list[str] = field(default_factory=list)  # their digests, which the body has, too
    chunks: int = 0  # sent chunks with text
    finished: bool = False  # the script was played to its end, including its fault
    ended_at: float | None = None

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages of the request."""
        return list(self.body.get("messages", []))

    @property
    def kind(self) -> str:
        """The request about a run: create, attach, retrieve or cancel."""
        if self.method == "GET":
            return "attach" if "stream=true" in self.target else "retrieve"
        return "cancel" if self.target.endswith("/cancel") else "create"

    @property
    def aborted(self) -> bool:
        """Whether the client disconnected before the end."""
        return self.ended_at is not None and not self.finished

    def end(self, *, finished: bool) -> None:
        """Record the end; a second one does nothing."""
        if self.ended_at is None:
            self.finished, self.ended_at = finished, time.time()

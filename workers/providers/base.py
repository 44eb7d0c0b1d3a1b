"""Providers' values: chunks of text, pauses, one typed error."""

from dataclasses import dataclass
from typing import Literal

from chat.protocol.events import JSON

FinishReason = Literal["stop", "length", "content_filter"]


@dataclass(slots=True)
class Chunk:
    """The text of one read. `finish` and `usage` come once, near the end."""

    text: str = ""
    reasoning: str = ""
    finish: FinishReason | None = None
    usage: JSON | None = None


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

"""The values that providers yield and raise: chunks of text, pauses, and one typed error.

ProviderError       the model does not answer, or not completely
"""

from dataclasses import dataclass
from typing import Literal

from chat.protocol.events import JSON

FinishReason = Literal["stop", "length", "content_filter"]


@dataclass(slots=True)
class Chunk:
    """The text of one read. `finish` and `usage` are set once, near the end."""

    text: str = ""
    reasoning: str = ""
    finish: FinishReason | None = None
    usage: JSON | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait before the next request. `reason`, a key of FAILURES, is set if the server asked for it."""

    seconds: float
    reason: str | None = None


@dataclass
class ProviderError(Exception):
    """The model did not answer completely. `code` is a key of FAILURES; `permanent`: a retry is no use.

    `retry_after`: the seconds after which the server accepts a retry all the same.
    """

    code: str
    permanent: bool = False
    retry_after: float | None = None

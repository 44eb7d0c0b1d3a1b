"""What a model's server says, as plain values: text as it comes, a pause, the finish, or a typed error.

AnswerError         the answer cannot be had, or not to its end
"""

from dataclasses import dataclass
from typing import Literal

from chat.protocol.events import JSON

FinishReason = Literal["stop", "length", "content_filter"]


@dataclass(slots=True)
class Chunk:
    """What arrived at one moment. `finish` and `usage` come once, near the end."""

    text: str = ""
    reasoning: str = ""
    finish: FinishReason | None = None
    usage: JSON | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is asked for so many seconds. `reason`, a key of FAILURES: the server wants it so."""

    seconds: float
    reason: str | None = None


@dataclass
class ProviderError(Exception):
    """The answer cannot be had. `code` is a key of FAILURES; `permanent`: asking again would not help.

    `retry_after`: but after so many seconds it may; the server said so.
    """

    code: str
    permanent: bool = False
    retry_after: float | None = None

"""The values that a program yields beside `str`, and the error that it may raise. Pure."""

from dataclasses import dataclass
from typing import Any, Literal

from chat.protocol.errors import FAILURES

MAX_TOKENS = 2**53 - 1  # a browser's largest integer


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Text of the model's reasoning, shown apart from the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Text by which a model refuses. `Ask.model` yields it; pass it on."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function that the client has: the answer ends, the next request brings its result.

    `arguments`: JSON, as text or as a dict. `id`: of the call; None: one is made.
    """

    name: str
    arguments: str | dict[str, Any] = "{}"
    id: str | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a call without a name."""
        if not self.name:
            message = "a call needs the name of its function"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens; several of one answer are added up."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0  # of the input
    reasoning_tokens: int = 0  # of the output

    def __post_init__(self) -> None:
        """Raises ValueError for a count that is no whole number from 0 on."""
        counts = (self.input_tokens, self.output_tokens, self.cached_tokens, self.reasoning_tokens)
        if not all(isinstance(count, int) and 0 <= count <= MAX_TOKENS for count in counts):
            message = "tokens are whole numbers from 0 on"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Cut:
    """The answer is incomplete, for this reason. `Ask.model` yields it; pass it on."""

    reason: Literal["max_output_tokens", "content_filter"]


Value = str | Reasoning | Refusal | Call | Usage | Cut


class AnswerError(Exception):
    """Ends the answer with a code of `docs/protocol.md`, such as "upstream_unreachable"; its text is kept."""

    def __init__(self, code: str) -> None:
        """Raises ValueError for an unknown code."""
        if code not in FAILURES:
            message = f"{code!r} is no code of docs/protocol.md"
            raise ValueError(message)
        super().__init__(code)
        self.code = code

"""Changes of a request that a server has refused. Pure."""

from dataclasses import dataclass, field
from typing import Literal

LimitField = Literal["max_tokens", "max_completion_tokens"]
LIMIT_FIELDS: tuple[LimitField, LimitField] = ("max_tokens", "max_completion_tokens")
LIMITS = (*LIMIT_FIELDS, "max_output_tokens")  # the last: of the Responses API
NEEDED = frozenset({"model", "messages", "input", "stream"})  # never left out


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the next request.

    `drop`: a field to leave out; `limit`: the greatest limit that the server accepts; `context`: its tokens.
    All are for good, except with `once`. `room`: tokens left of the context, for this request; 0: send no
    limit.
    """

    drop: str = ""
    limit: int | None = None
    room: int | None = None
    context: int | None = None
    once: bool = False


@dataclass(slots=True)
class Learned:
    """Facts from the refusals of one model's server, for the life of the process."""

    without: set[str] = field(default_factory=set)
    limit: int | None = None  # the greatest that it accepts
    context: int | None = None

    def learn(self, change: Change) -> bool:
        """Remember a change. False: another request learned it first."""
        before = len(self.without), self.limit, self.context
        if change.drop:
            self.without.add(change.drop)
        if change.limit:
            self.limit = min(change.limit, self.limit or change.limit)
        self.context = change.context or self.context
        return before != (len(self.without), self.limit, self.context)

    def joined(self, other: "Learned") -> "Learned":
        """Both: the fields of either, and the lower limit."""
        limits = [limit for limit in (self.limit, other.limit) if limit]
        return Learned(self.without | other.without, min(limits, default=None), self.context)

    def setting(self, change: Change) -> str:
        """The catalog's setting for a learned change."""
        if change.context:
            return f"context = {change.context}"
        if change.limit:
            return f"max_output_tokens = {change.limit}"
        if change.drop in LIMIT_FIELDS and (left := [n for n in LIMIT_FIELDS if n not in self.without]):
            return f'limit_field = "{left[0]}"'
        return f'without = ["{change.drop}"]'


def other_limit_field(name: str) -> str:
    """The limit's other name; "" for another field."""
    return next((other for other in LIMIT_FIELDS if other != name), "") if name in LIMIT_FIELDS else ""

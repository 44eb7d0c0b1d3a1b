"""Changes of a request that a server has refused. Pure."""

from dataclasses import dataclass, field
from typing import Literal

LimitField = Literal["max_tokens", "max_completion_tokens"]
LIMIT_FIELDS: tuple[LimitField, LimitField] = ("max_tokens", "max_completion_tokens")
NEEDED = frozenset({"model", "messages", "stream"})  # never left out


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the next request: one of the fields is set.

    `drop`: a field to leave out; `limit`: the greatest limit that the server accepts, both for good. `room`:
    tokens left of the context, for this request alone; 0: send no limit.
    """

    drop: str = ""
    limit: int | None = None
    room: int | None = None


@dataclass(slots=True)
class Learned:
    """Facts from the refusals of one model's server, for the life of the process."""

    without: set[str] = field(default_factory=set)
    limit: int | None = None  # the greatest that it accepts

    def learn(self, change: Change) -> bool:
        """Remember a change. False: another request learned it first."""
        before = len(self.without), self.limit
        if change.drop:
            self.without.add(change.drop)
        if change.limit:
            self.limit = min(change.limit, self.limit or change.limit)
        return before != (len(self.without), self.limit)

    def setting(self, change: Change) -> str:
        """The catalog's setting for a learned change."""
        if change.limit:
            return f"max_output_tokens = {change.limit}"
        if change.drop in LIMIT_FIELDS and (left := [n for n in LIMIT_FIELDS if n not in self.without]):
            return f'limit_field = "{left[0]}"'
        return f'without = ["{change.drop}"]'

"""Bound the cost of one user's sockets in this process: sockets, followed responses, commands."""

import math
from collections import Counter
from dataclasses import dataclass, field

from chat.conf import conf
from chat.protocol.commands import Acknowledge, Command, Subscribe, Unsubscribe
from chat.protocol.errors import CommandError
from chat.streaming.subscriber import Followed

MAX_REFUSALS = 100  # tokens that the rate refused; then the socket is closed
TOKEN_CHARS = 16 * 1024  # of a frame: a longer one costs as many more tokens as it takes longer to read


@dataclass(slots=True)
class TokenBucket:
    """`burst` commands at once, then `per_minute`. Pure: the caller has the clock, in seconds."""

    burst: int
    per_minute: int
    _due: float = -math.inf  # when all tokens are back

    def take(self, now: float, tokens: int = 1) -> float:
        """Take some tokens, at most `burst`; or the exact seconds until there are as many."""
        step = 60 / self.per_minute
        due = max(self._due, now)
        early = due - now - step * (self.burst - tokens)
        if early > 1e-6:  # of float's rounding
            return math.ceil(early * 1000) / 1000
        self._due = due + step * tokens
        return 0


@dataclass(slots=True)
class CommandRate:
    """The rate of one socket's commands."""

    commands: TokenBucket = field(default_factory=lambda: TokenBucket(60, 120))
    follows: TokenBucket = field(default_factory=lambda: TokenBucket(200, 600))  # a page returns to a hundred
    acks: TokenBucket = field(default_factory=lambda: TokenBucket(1_000, 6_000))  # they cost little
    refusals: int = 0

    def require_length(self, frame: str, now: float) -> None:
        """Take the tokens of a long frame, a burst at most, before it is parsed. Raises CommandError."""
        if tokens := min(len(frame) // TOKEN_CHARS, self.commands.burst - 1):  # one is for the command
            self._take(self.commands, now, tokens)

    def require(self, command: Command | None, now: float) -> None:
        """Take a token of the command; None: of a frame that is no command. Raises CommandError."""
        bucket = self.commands
        if isinstance(command, Subscribe | Unsubscribe):
            bucket = self.follows
        elif isinstance(command, Acknowledge):
            bucket = self.acks
        self._take(bucket, now, 1, getattr(command, "stream_id", None))

    def _take(self, bucket: TokenBucket, now: float, tokens: int, stream_id: str | None = None) -> None:
        if wait := bucket.take(now, tokens):
            self.refusals += tokens
            raise CommandError("slow_down", stream_id=stream_id, retry_after=wait)

    @property
    def exhausted(self) -> bool:
        """Whether more than MAX_REFUSALS were refused."""
        return self.refusals > MAX_REFUSALS


_sockets: Counter[int] = Counter()
_followed: dict[int, Followed] = {}  # of each owner with a socket here


def enter(owner_id: int) -> Followed:
    """Count an owner's new socket; `leave` must follow. Raises CommandError at the limit."""
    if _sockets[owner_id] >= conf.MAX_SOCKETS:
        raise CommandError("too_many_sockets")
    _sockets[owner_id] += 1
    return _followed.setdefault(owner_id, Followed())


def leave(owner_id: int) -> None:
    """Count an owner's closed socket."""
    _sockets[owner_id] -= 1
    if not _sockets[owner_id]:
        del _sockets[owner_id], _followed[owner_id]

"""Lanes of a socket: the requests with one `stream_id`, or without one, run one after the other. Pure."""

from collections import deque
from dataclasses import dataclass, field

from chat.protocol.commands import Create
from chat.protocol.errors import CommandError

MAX_BUSY = 100  # lanes of a socket: each follows a response
MAX_WAITING = 100  # requests of all lanes, without those that run
MAX_WAITING_CHARS = 4 * 1024 * 1024  # of their frames: one of the longest always fits


@dataclass(slots=True)
class Lanes:
    """The busy lanes and what waits in them, first in, first out."""

    _waiting: dict[str | None, deque[tuple[Create, int]]] = field(default_factory=dict)
    _count: int = 0
    _chars: int = 0

    def enter(self, command: Create, chars: int) -> bool:
        """Occupy the request's lane, or let it wait there. Returns whether the lane was free.

        `chars`: of its frame. Raises CommandError at a limit.
        """
        lane = self._waiting.get(command.stream_id)
        if lane is None:
            if len(self._waiting) >= MAX_BUSY:
                raise CommandError("too_many_followed", stream_id=command.stream_id)
            self._waiting[command.stream_id] = deque()
            return True
        if self._count >= MAX_WAITING or self._chars + chars > MAX_WAITING_CHARS:
            raise CommandError("too_many_waiting", stream_id=command.stream_id)
        lane.append((command, chars))
        self._count += 1
        self._chars += chars
        return False

    def next(self, stream_id: str | None) -> Create | None:
        """The next request of a lane whose last one has ended. None: the lane is free."""
        lane = self._waiting[stream_id]
        if not lane:
            del self._waiting[stream_id]
            return None
        command, chars = lane.popleft()
        self._count -= 1
        self._chars -= chars
        return command

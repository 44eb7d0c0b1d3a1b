"""Fold a log's events into a response's state."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from chat.protocol import events
from chat.protocol.errors import ProtocolError
from chat.protocol.objects import ResponseObject
from chat.protocol.output import Item, Kind

EPOCH_SIZE = 10**9  # above a response's event count; JSON's safe integers hold nine million epochs


@dataclass(frozen=True, slots=True)
class Wait:
    """Next request in `seconds`, at Unix time `until`. `reason`: a key of FAILURES."""

    reason: str
    seconds: float
    until: float


@dataclass(slots=True)
class ResponseState:
    """A response after event `next - 1`. `ended`: the final response object.

    `tailrace:waiting` sets `waiting`; the next other event clears it.
    """

    base: ResponseObject
    next: int = 0
    attempt: int = 1
    items: list[Item] = field(default_factory=list)
    ended: ResponseObject | None = None
    waiting: Wait | None = None

    @classmethod
    def fold(cls, log: Iterable[events.Event]) -> "ResponseState":
        """Fold a whole log.

        Raises ProtocolError unless it starts with `response.created` or `tailrace:snapshot`.
        """
        match list(log):
            case [events.Created() | events.Snapshot() as first, *more]:
                state = cls(_without_outcome(first.response))
                state.apply(first, *more)
                return state
        message = "the log does not open with its response"
        raise ProtocolError(message)

    @property
    def id(self) -> str:
        """The response's id."""
        return str(self.base["id"])

    def apply(self, *more: events.Event) -> None:
        """Apply events in order."""
        for event in more:
            self.next, self.waiting = event.sequence_number + 1, _wait_in(event)
            self._change(event)

    def find(self, kind: Kind) -> Item | None:
        """The item of this kind; None before it begins."""
        return next((item for item in self.items if item.kind == kind), None)

    def text(self, kind: Kind = "message") -> str:
        """The message or reasoning text so far."""
        item = self.find(kind)
        return item.text if item else ""

    def response(self, status: str) -> ResponseObject:
        """The response object with this status."""
        return self.base | {"status": status, "output": [item.as_object(status) for item in self.items]}

    def snapshot(self) -> events.Snapshot:
        """The state as one event, numbered as the last included."""
        return events.Snapshot(
            sequence_number=self.next - 1,
            response_id=self.id,
            response=self.ended or self.response(self.base["status"]),
            attempt=self.attempt,
            waiting=asdict(self.waiting) if self.waiting else None,
        )

    def _change(self, event: events.Event) -> None:
        match event:
            case events.TextDelta() | events.ReasoningDelta():
                kind: Kind = "message" if isinstance(event, events.TextDelta) else "reasoning"
                self._item(kind).pieces.append(event.delta)
            case events.OutputItemAdded():
                self._item(event.item["type"])
            case events.Restarted() | events.Continued():
                self.attempt = event.attempt
                self.items = [] if isinstance(event, events.Restarted) else self.items
            case events.Created():
                self.base = event.response
            case events.InProgress():
                self.base = event.response
            case events.Snapshot():
                self.base = _without_outcome(event.response)
                self._restore(event.response)
                self.attempt, self.ended = event.attempt, None
            case events.Completed() | events.Incomplete() | events.Failed():
                self._restore(event.response)
                self.ended = event.response

    def _item(self, kind: Kind) -> Item:
        item = self.find(kind)
        if item is None:
            item = Item.new(self.id, kind, len(self.items))
            self.items.append(item)
        return item

    def _restore(self, response: ResponseObject) -> None:
        self.items = []
        for item in response["output"]:
            self._item(item["type"]).pieces += [part["text"] for part in item["content"]]


def _without_outcome(response: ResponseObject) -> ResponseObject:
    return response | {"output": [], "usage": None, "error": None}


def _wait_in(event: events.Event) -> Wait | None:
    if isinstance(event, events.Waiting):
        return Wait(event.reason, event.seconds, event.until)
    return Wait(**event.waiting) if isinstance(event, events.Snapshot) and event.waiting else None

"""The answer so far: events add up to a draft, and a draft writes the next events.

A reader folds a log with `Draft.of`; a writer calls `begin`, `add` and `close`, and appends to the log
what they return. Both sides share the rules here, so screen, log and row hold the same text.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from chat.protocol.errors import FAILURES, ProtocolError
from chat.protocol.events import (
    JSON,
    Completed,
    Continued,
    Created,
    Event,
    Failed,
    Incomplete,
    InProgress,
    Interruption,
    OutputItemAdded,
    Queued,
    ReasoningDelta,
    Restarted,
    Snapshot,
    TextDelta,
    Waiting,
)
from chat.protocol.output import Item, Kind

EPOCH_SIZE = 10**9  # no answer has as many events; JSON's safe integers hold nine million of such logs


@dataclass(frozen=True, slots=True)
class Ending:
    """How a response ends. `at` is in Unix seconds; `error_code` is a key of FAILURES."""

    status: Literal["completed", "incomplete", "failed", "cancelled"]
    at: float
    error_code: str | None = None
    incomplete_reason: Literal["max_output_tokens", "content_filter"] | None = None
    usage: JSON | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """The model is asked again in `seconds`, at the Unix time `until`. `reason` is a key of FAILURES."""

    reason: str
    seconds: float
    until: float


def opening(response: JSON, attempts: int = 0) -> list[Event]:
    """The events that every log begins with; `attempts` have written in the log that this one replaces.

    Its numbers are above all that they can have used, so none of them can write in it.
    """
    first = attempts * EPOCH_SIZE
    return [
        Created(sequence_number=first, response=response),
        Queued(sequence_number=first + 1, response=response),
    ]


@dataclass(slots=True)
class ResponseState:
    """A response's state after the event `next - 1`. `ended` is the final response object, once there.

    `waiting` is there from the event that says so to the next one.
    """

    base: JSON
    next: int = 0
    attempt: int = 1
    items: list[Item] = field(default_factory=list)
    ended: JSON | None = None
    waiting: Wait | None = None

    @classmethod
    def of(cls, events: Iterable[Event]) -> "ResponseState":
        """Fold a log, which opens with `response.created` or holds a snapshot before any text.

        Raises ProtocolError for a log that does not.
        """
        draft = cls({})
        for event in events:
            if not draft.base and not isinstance(event, Created | Snapshot):
                break
            draft.apply(event)
        if not draft.base:
            message = "the log does not open with the response that it is about"
            raise ProtocolError(message)
        return draft

    def copy(self) -> "ResponseState":
        """A draft that goes its own way from here."""
        return replace(self, items=[item.copy() for item in self.items])

    def apply(self, event: Event) -> None:
        """Take one event in, as a reader does."""
        self.next, self.waiting = event.sequence_number + 1, _wait_in(event)
        match event:
            case TextDelta() | ReasoningDelta():
                self._item("message" if isinstance(event, TextDelta) else "reasoning").pieces.append(
                    event.delta
                )
            case OutputItemAdded():
                self._item(event.item["type"])
            case Restarted() | Continued():
                self.attempt = event.attempt
                self.items = [] if isinstance(event, Restarted) else self.items
            case Created():
                self.base = event.response
            case InProgress():
                self.base = self.base | {"status": "in_progress"}
            case Snapshot():
                self._restore(event.response)
                self.attempt, self.ended = event.attempt, None
            case Completed() | Incomplete() | Failed():
                self._restore(event.response)
                self.ended = event.response

    def begin(
        self, attempt: int, *, resume: bool = False, reason: Interruption = "worker_lost"
    ) -> list[Event]:
        """A worker begins. A later attempt drops the text so far, or goes on from it if it can `resume`.

        `reason`: what became of the attempt before.
        """
        said: Event
        if attempt > 1 and resume and self.text() and not self.text("reasoning"):
            said = Continued(
                sequence_number=self.next, response_id=self.base["id"], attempt=attempt, reason=reason
            )
            self.apply(said)
            return [said]
        events: list[Event] = []
        if attempt > 1:
            said = Restarted(
                sequence_number=self.next, response_id=self.base["id"], attempt=attempt, reason=reason
            )
            events.append(said)
            self.apply(said)
        events.append(InProgress(sequence_number=self.next, response=self.response("in_progress")))
        self.apply(events[-1])
        return events

    def text(self, kind: Kind = "message") -> str:
        """The text so far, of the message or of the reasoning."""
        item = self._find(kind)
        return item.text if item else ""

    def add(self, text: str = "", reasoning: str = "") -> list[Event]:
        """More text arrived: the deltas, each after the events that open its item."""
        events: list[Event] = []
        if reasoning:
            events += self._more("reasoning", reasoning)
        if text:
            events += self._more("message", text)
        return events

    def wait(self, wait: Wait) -> Event:
        """The model is not asked for a while."""
        waiting = Waiting(sequence_number=self.next, response_id=self.base["id"], **asdict(wait))
        self.apply(waiting)
        return waiting

    def close(self, ending: Ending) -> list[Event]:
        """The response ends: what closes its items if it ended well, then the one terminal event."""
        events: list[Event] = []
        if ending.status in ("completed", "incomplete"):
            for item in self.items:
                events += self._numbered(item.closed(ending.status, self.next))
        response = self.response(ending.status, ending)
        kind = {"completed": Completed, "failed": Failed}.get(ending.status, Incomplete)
        events.append(kind(sequence_number=self._number(), response=response))
        self.ended, self.waiting = response, None
        return events

    def snapshot(self) -> Snapshot:
        """The text so far as one event; it carries the number of the last event that it holds."""
        response = self.ended or self.response(self.base["status"])
        return Snapshot(
            sequence_number=self.next - 1,
            response_id=self.base["id"],
            response=response,
            attempt=self.attempt,
            waiting=asdict(self.waiting) if self.waiting else None,
        )

    def again(self) -> Snapshot:
        """The text so far as the next event: it opens a log that takes the place of a lost one."""
        self._number()
        return self.snapshot()

    def response(self, status: str, ending: Ending | None = None) -> JSON:
        """The response object as it is now, with its output so far."""
        now = self.base | {"status": status, "output": self.output(status)}
        if ending is not None:
            now["usage"] = ending.usage
            if ending.status == "completed":
                now["completed_at"] = ending.at
            if ending.error_code is not None:
                now["error"] = {"code": ending.error_code, "message": FAILURES[ending.error_code]}
            if ending.incomplete_reason is not None:
                now["incomplete_details"] = {"reason": ending.incomplete_reason}
        return now

    def output(self, status: str) -> list[JSON]:
        """The output items so far, of a response with this status."""
        return [item.wire(status) for item in self.items]

    def _number(self) -> int:
        self.next += 1
        return self.next - 1

    def _numbered(self, events: list[Event]) -> list[Event]:
        self.next += len(events)
        return events

    def _find(self, kind: Kind) -> Item | None:
        return next((item for item in self.items if item.kind == kind), None)

    def _item(self, kind: Kind) -> Item:
        item = self._find(kind)
        if item is None:
            item = Item.of(self.base["id"], kind, len(self.items))
            self.items.append(item)
        return item

    def _more(self, kind: Kind, text: str) -> list[Event]:
        is_new = self._find(kind) is None
        item = self._item(kind)
        events = self._numbered(item.opened(self.next)) if is_new else []
        item.pieces.append(text)
        self.waiting = None
        return [*events, item.delta(text, self._number())]

    def _restore(self, response: JSON) -> None:
        self.base = self.base or response | {"output": [], "usage": None, "error": None}
        self.items = []
        for wire in response["output"]:
            kind: Kind = wire["type"]
            self._item(kind).pieces += [part["text"] for part in wire["content"]]


def _wait_in(event: Event) -> Wait | None:
    if isinstance(event, Waiting):
        return Wait(event.reason, event.seconds, event.until)
    return Wait(**event.waiting) if isinstance(event, Snapshot) and event.waiting else None

"""Fold a log's events into a response's state."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from chat.protocol import events
from chat.protocol.errors import ProtocolError
from chat.protocol.objects import ResponseObject
from chat.protocol.output import (
    KIND_OF,
    CallItem,
    Item,
    ItemStatus,
    Kind,
    OtherItem,
    TextItem,
    TextPart,
    item_of,
)
from chat.protocol.pieces import CallPart, ItemPart, Part, Piece

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

    `items`: of this attempt; `first_index`: the place of the first. `tailrace:waiting` sets `waiting`; the
    next other event clears it.
    """

    base: ResponseObject
    next: int = 0
    attempt: int = 1
    items: list[Item] = field(default_factory=list)
    first_index: int = 0
    ended: ResponseObject | None = None
    waiting: Wait | None = None

    @classmethod
    def fold(cls, log: Iterable[events.Event]) -> "ResponseState":
        """Fold a whole log.

        Raises ProtocolError unless it starts with `response.created` or `tailrace:snapshot`, or for an event
        of an item that has not begun.
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

    @property
    def terminal(self) -> events.Terminal | None:
        """The terminal event: no event follows it."""
        if self.ended is None:
            return None
        kind = events.TERMINAL_OF[self.ended["status"]]
        return kind(sequence_number=self.next - 1, response=self.ended)

    @property
    def next_index(self) -> int:
        """The place of the next item."""
        return self.first_index + len(self.items)

    @property
    def calls(self) -> list[CallItem]:
        """The function calls, in order."""
        return [item for item in self.items if isinstance(item, CallItem)]

    @property
    def others(self) -> list[OtherItem]:
        """The items of other kinds, in order."""
        return [item for item in self.items if isinstance(item, OtherItem)]

    @property
    def parts(self) -> list[Part]:
        """The output so far, as a model generates it."""
        found: list[Part] = []
        for item in self.items:
            if isinstance(item, CallItem):
                number = sum(isinstance(part, CallPart) for part in found)
                found.append(CallPart(number, item.name, item.call_id, item.arguments))
            elif isinstance(item, OtherItem):
                number = sum(isinstance(part, ItemPart) for part in found)
                found.append(ItemPart(number, {**item.body}, done=item.closed is not None))
            else:
                found += [Piece(KIND_OF[part.type], part.text) for part in item.parts]
        return found

    @property
    def open_text(self) -> TextItem | None:
        """The reasoning or message item that grows; at most one does."""
        texts = (item for item in reversed(self.items) if isinstance(item, TextItem))
        last = next(texts, None)
        return last if last is not None and last.closed is None else None

    @property
    def resumable(self) -> bool:
        """Whether a model can continue it: the output is one text."""
        match self.items:
            case [TextItem(kind="message", parts=[TextPart(type="output_text") as part], closed=None)]:
                return bool(part.text)
        return False

    def apply(self, *more: events.Event) -> None:
        """Apply events in order. Raises ProtocolError."""
        for event in more:
            self.next = event.sequence_number + 1
            try:
                self.waiting = _wait_in(event)
                self._change(event)
            except (LookupError, AttributeError, TypeError) as error:
                message = "an event has no place in the log"
                raise ProtocolError(message) from error

    def text(self, kind: Kind = "message") -> str:
        """The message or reasoning text so far; a refusal is text, too."""
        items = (item for item in self.items if isinstance(item, TextItem) and item.kind == kind)
        return "".join(item.text for item in items)

    def response(self, status: str) -> ResponseObject:
        """The response object with this status; items that are not done have it as far as items can."""
        of_items: dict[str, ItemStatus] = {
            "queued": "in_progress",
            "in_progress": "in_progress",
            "completed": "completed",
        }
        of_item = of_items.get(status, "incomplete")
        return self.base | {"status": status, "output": [item.as_object(of_item) for item in self.items]}

    def snapshot(self) -> events.Snapshot:
        """The state as one event, numbered as the last included."""
        return events.Snapshot(
            sequence_number=self.next - 1,
            response_id=self.id,
            response=self.ended or self.response(self.base["status"]),
            attempt=self.attempt,
            waiting=asdict(self.waiting) if self.waiting else None,
            first_index=self.first_index,
        )

    def _change(self, event: events.Event) -> None:
        match event:
            case events.TextDelta() | events.ReasoningDelta() | events.RefusalDelta():
                self._text(event).parts[event.content_index].pieces.append(event.delta)
            case events.CallDelta():
                self._call(event).pieces.append(event.delta)
            case events.ContentPartAdded():
                self._text(event).parts.append(TextPart(event.part["type"]))
            case events.OutputItemAdded() | events.OutputItemDone():
                self._change_item(event)
            case events.Restarted() | events.Continued():
                self._change_attempt(event)
            case _:
                self._change_whole(event)

    def _change_item(self, event: events.OutputItemAdded | events.OutputItemDone) -> None:
        item = item_of(event.item, event.output_index)
        if isinstance(event, events.OutputItemDone):
            known = self._item(event.output_index)
            known.closed = item.closed
            if isinstance(known, OtherItem) and isinstance(item, OtherItem):
                known.body = item.body
        elif event.output_index == self.next_index:
            self.items.append(item)
        else:
            raise LookupError

    def _change_attempt(self, event: events.Restarted | events.Continued) -> None:
        self.attempt = event.attempt
        if isinstance(event, events.Restarted):
            self.first_index, self.items = self.next_index, []
            self.base = with_omitted_turns(self.base, event.omitted_turns)

    def _change_whole(self, event: events.Event) -> None:
        match event:
            case events.Created() | events.InProgress():
                self.base = event.response
            case events.Snapshot():
                self.base = _without_outcome(event.response)
                self.attempt, self.first_index, self.ended = event.attempt, event.first_index, None
                self._restore(event.response)
            case events.Completed() | events.Incomplete() | events.Failed():
                self._restore(event.response)
                self.ended = event.response

    def _item(self, index: int) -> Item:
        place = index - self.first_index
        if place < 0:
            raise LookupError
        return self.items[place]

    def _text(self, event: events.OfPart) -> TextItem:
        item = self._item(event.output_index)
        if not isinstance(item, TextItem):
            raise LookupError
        return item

    def _call(self, event: events.CallDelta) -> CallItem:
        item = self._item(event.output_index)
        if not isinstance(item, CallItem):
            raise LookupError
        return item

    def _restore(self, response: ResponseObject) -> None:
        self.items = [item_of(item, self.first_index + at) for at, item in enumerate(response["output"])]


def with_omitted_turns(response: ResponseObject, omitted_turns: int) -> ResponseObject:
    """The object with the number of turns that its attempt's prompt omits."""
    changed = response.copy()
    changed.pop("tailrace", None)
    if omitted_turns:
        changed["tailrace"] = {"omitted_turns": omitted_turns}
    return changed


def _without_outcome(response: ResponseObject) -> ResponseObject:
    return response | {"output": [], "usage": None, "error": None}


def _wait_in(event: events.Event) -> Wait | None:
    if isinstance(event, events.Waiting):
        return Wait(event.reason, event.seconds, event.until)
    return Wait(**event.waiting) if isinstance(event, events.Snapshot) and event.waiting else None

"""Events in the making: numbered in order, of items and their parts."""

from dataclasses import dataclass, field
from typing import Any

from chat.protocol import events
from chat.protocol.output import CallItem, Item, ItemStatus, PartType, TextItem, content_part
from chat.protocol.state import ResponseState


@dataclass(slots=True)
class Script:
    """Events numbered from `next`; with a `state`, each is applied to it."""

    next: int
    state: ResponseState | None = None
    written: list[events.Event] = field(default_factory=list)

    def add(self, kind: type[events.Event], **fields: Any) -> None:
        """Add an event."""
        event = kind(sequence_number=self.next, **fields)
        self.next += 1
        self.written.append(event)
        if self.state is not None:
            self.state.apply(event)

    def open(self, item: Item) -> None:
        """Begin the item, without its content."""
        self.add(events.OutputItemAdded, output_index=item.index, item=item.opened())

    def open_part(self, item: TextItem, at: int, kind: PartType) -> None:
        """Begin the item's part number `at`."""
        self.add(events.ContentPartAdded, part=content_part(kind, ""), content_index=at, **_place(item))

    def add_text(self, item: TextItem, at: int, delta: str) -> None:
        """Add text to the part."""
        match item.parts[at].type:
            case "refusal":
                kind: type[events.Event] = events.RefusalDelta
            case "reasoning_text":
                kind = events.ReasoningDelta
            case _:
                kind = events.TextDelta
        self.add(kind, delta=delta, content_index=at, **_place(item))

    def add_arguments(self, call: CallItem, delta: str) -> None:
        """Add to the call's arguments."""
        self.add(events.CallDelta, delta=delta, **_place(call))

    def close_part(self, item: TextItem, at: int) -> None:
        """Complete the part."""
        part, place = item.parts[at], _place(item) | {"content_index": at}
        match part.type:
            case "refusal":
                self.add(events.RefusalDone, refusal=part.text, **place)
            case "reasoning_text":
                self.add(events.ReasoningDone, text=part.text, **place)
            case _:
                self.add(events.TextDone, text=part.text, **place)
        self.add(events.ContentPartDone, part=part.as_object(), **place)

    def close(self, item: Item, status: ItemStatus) -> None:
        """Complete the item, with its arguments or its last part; `status` unless it has one."""
        if isinstance(item, CallItem):
            self.add(events.CallDone, name=item.name, arguments=item.arguments, **_place(item))
        elif isinstance(item, TextItem) and item.parts:
            self.close_part(item, len(item.parts) - 1)
        self.add(events.OutputItemDone, output_index=item.index, item=item.as_object(status))


def _place(item: Item) -> dict[str, Any]:
    return {"item_id": item.id, "output_index": item.index}

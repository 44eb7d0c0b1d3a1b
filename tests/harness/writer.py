"""A writer of events, as a worker is one: it composes them and keeps the state that they add up to."""

from collections.abc import Iterable
from typing import Any

from chat.protocol import composer
from chat.protocol.composer import Ending
from chat.protocol.events import Event
from chat.protocol.pieces import Part, Piece
from chat.protocol.state import ResponseState, Wait


def parts_of(text: str = "", reasoning: str = "") -> list[Part]:
    """The parts of an answer's text, after reasoning."""
    pieces = Piece("reasoning", reasoning), Piece("text", text)
    return [piece for piece in pieces if piece.text]


class Writer:
    """Each method returns events for the log, which `state` already includes."""

    def __init__(self, state: ResponseState) -> None:
        self.state = state

    @classmethod
    def after(cls, events: Iterable[Event]) -> "Writer":
        """A writer that continues a log."""
        return cls(ResponseState.fold(events))

    def start(self, attempt: int, **options: Any) -> list[Event]:
        return self._applied(composer.start_attempt(self.state, attempt, **options))

    def add(self, text: str = "", reasoning: str = "") -> list[Event]:
        return self.add_parts(*parts_of(text, reasoning))

    def add_parts(self, *parts: Part) -> list[Event]:
        return composer.append(self.state, list(parts))

    def wait(self, wait: Wait) -> list[Event]:
        return self._applied([composer.wait(self.state, wait)])

    def finish(self, ending: Ending) -> list[Event]:
        closing, terminal = composer.finish(self.state, ending)
        return self._applied([*closing, terminal])

    def _applied(self, events: list[Event]) -> list[Event]:
        self.state.apply(*events)
        return events

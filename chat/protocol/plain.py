"""The plain form of a stream: OpenAI's events alone, for clients that know no others. Pure."""

import json
import re
from collections.abc import Callable

from chat.protocol.errors import REFUSALS
from chat.protocol.events import EVENTS, TERMINAL_OF, Event, Restarted, Snapshot, decode, encode, is_terminal
from chat.protocol.replay import LAST_OPENING, replay

NOTHING = -1  # before the first event
LOST = "stream_lost"
_START = re.compile(r'\{"type":"([^"]+)"(?:,"sequence_number":(\d+))?')
_PLACE = re.compile(r'(\{"type":"[^"]+","sequence_number":\d+,(?:"item_id":"[^"]*",)?"output_index":)(\d+)')


def stream_lost(sequence_number: int) -> str:
    """OpenAI's `error` event of HTTP streams; in those of its sockets the error is an object inside."""
    error = {"type": "error", "code": LOST, "message": REFUSALS[LOST][1], "param": None}
    return json.dumps(error | {"sequence_number": sequence_number}, separators=(",", ":"))


def event_type(text: str) -> str:
    """The type of an encoded event, from its beginning."""
    return _start(text)[1]


class PlainStream:
    """One reader's stream of one response, without `tailrace:` events.

    `starting_after`: the last number that the reader has. After `ended` nothing follows: the reader has the
    terminal event, or the stream `is_lost`, since OpenAI's events cannot express a change: then the result of
    `lost` was returned, an error event with the given number. It does not end the response: a new stream that
    begins with a snapshot has all of it. Add a `stream_id` afterward.
    """

    def __init__(self, starting_after: int = NOTHING, lost: Callable[[int], str] = stream_lost) -> None:
        self.ended = self.is_lost = False
        self._last, self._lost = starting_after, lost
        self._is_first = True
        self._places = 0  # of items that a replay left out

    def translate(self, text: str) -> list[str]:
        """The plain form of the next encoded event: often itself, unparsed."""
        if self.ended:
            return []
        start, is_first = _start(text), self._is_first
        kind, number = start[1], int(start[2] or NOTHING)
        if kind in EVENTS:
            self._is_first = False
        if kind in (Snapshot.type, Restarted.type):
            return self._after_change(decode(text), is_first)
        if kind.startswith("tailrace:"):
            return []
        self.ended = is_terminal(text)
        if number <= self._last:
            return []
        self._last = number
        return [self._moved(text)]

    def _after_change(self, event: Event, is_first: bool) -> list[str]:
        match event:
            case Snapshot():
                return self._after_snapshot(event, is_first)
            case Restarted() if event.dropped_calls:  # it would never end; ended, a client would run it
                return self._end_lost()
        return []

    def _after_snapshot(self, snapshot: Snapshot, is_first: bool) -> list[str]:
        """A replay, as far as the reader lacks it; no text that it has in part."""
        ended = snapshot.response["status"] in TERMINAL_OF
        after = self._last
        if after > LAST_OPENING:
            if not (ended and is_first):
                return self._end_lost()
            after = max(after, snapshot.sequence_number - 1)  # the terminal event has it all
        events = [event for event in replay(snapshot) if event.sequence_number > after]
        self._last = max([snapshot.sequence_number, *(event.sequence_number for event in events)])
        self._places, self.ended = snapshot.first_index, ended
        return [encode(event) for event in events]

    def _end_lost(self) -> list[str]:
        self.ended = self.is_lost = True
        return [self._lost(self._last + 1)]

    def _moved(self, text: str) -> str:
        """The event with the place of its item in the replay."""
        found = _PLACE.match(text) if self._places else None
        if found is None:
            return text
        return f"{found[1]}{int(found[2]) - self._places}{text[found.end() :]}"


def _start(text: str) -> re.Match[str]:
    found = _START.match(text)
    assert found is not None  # our encoder wrote it
    return found

"""A response's events as the chunks of a chat completion. Pure.

Format: https://platform.openai.com/docs/api-reference/chat-streaming
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from chat.api.completions.completion import answer_of, finish_reason, head, usage
from chat.protocol import events
from chat.protocol.errors import FAILURES, REFUSALS
from chat.protocol.events import JSON, TERMINAL, TERMINAL_OF, decode
from chat.protocol.objects import OutputItem, ResponseObject
from chat.protocol.plain import event_type

MOST_PIECES = 200  # of a text: small strings take ten times their length
LOST = "worker_lost"
CANCELLED = "response_cancelled"

# the fields of a chunk for the text of an event
DELTAS: Mapping[str, str] = {
    events.TextDelta.type: "content",
    events.ReasoningDelta.type: "reasoning_content",
    events.RefusalDelta.type: "refusal",
}
READ = frozenset(  # the other events repeat these, or have no form here
    (
        *DELTAS,
        events.CallDelta.type,
        events.OutputItemAdded.type,
        events.Restarted.type,
        events.Snapshot.type,
        *(kind.type for kind in TERMINAL),
    )
)
OPENING = '{"role":"assistant","content":""}'
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class DiffersError(Exception):
    """The answer is another than the one that was sent."""


@dataclass(slots=True)
class Sent:
    """A text that was sent. `place`: the length of what the current attempt has of it."""

    pieces: list[str] = field(default_factory=list)
    length: int = 0
    place: int = 0

    def take(self, delta: str) -> str:
        """The part of the attempt's next text that was not sent. Raises DiffersError."""
        repeated = 0
        if self.place < self.length:
            self.pieces = ["".join(self.pieces)]
            known = self.pieces[0][self.place : self.place + len(delta)]
            if not delta.startswith(known):
                raise DiffersError
            repeated = len(known)
        self.place += len(delta)
        rest = delta[repeated:]
        if rest:
            self.pieces.append(rest)
            self.length += len(rest)
            if len(self.pieces) > MOST_PIECES:
                self.pieces = ["".join(self.pieces)]
        return rest

    def take_again(self, text: str) -> str:
        """The same of the attempt's text so far. Raises DiffersError."""
        self.place = 0
        return self.take(text)

    def check_end(self) -> None:
        """Raise DiffersError if the attempt has less than was sent."""
        if self.place < self.length:
            raise DiffersError


@dataclass(slots=True)
class SentCall:
    """A call that was sent."""

    id: str
    name: str
    arguments: Sent = field(default_factory=Sent)


class Chunks:
    """One reader's stream of one response: the chunks of its log, or of a snapshot and the events after it.

    Chunks cannot express that an attempt began anew. As long as it repeats the sent text, nothing is sent;
    at the first difference, and after a call, the stream ends with an error. After `ended` nothing follows.
    `begun`: a chunk was returned; `final`: the response, if that is why it ended.
    """

    def __init__(self, response: ResponseObject, *, include_usage: bool = False) -> None:
        self.begun = self.ended = False
        self.final: ResponseObject | None = None
        self._include_usage = include_usage
        self._shared = _dumps(head(response, "chat.completion.chunk"))[:-1]  # without its last brace
        self._texts = {name: Sent() for name in ("reasoning_content", "content", "refusal")}
        self._calls: list[SentCall] = []
        self._call_at: dict[int, SentCall] = {}  # by the place in the output

    def translate(self, text: str) -> list[str]:
        """The JSON of the chunks of the next encoded event or frame."""
        kind = event_type(text)
        if self.ended or kind not in READ:
            return []
        try:
            if name := DELTAS.get(kind):  # most events: without the event's own object
                return self._text(name, self._texts[name].take(json.loads(text)["delta"]))
            return self._chunks_of(decode(text))
        except DiffersError:
            return self._end_failed(LOST, FAILURES[LOST])

    def _chunks_of(self, event: events.Event) -> list[str]:
        match event:
            case events.CallDelta():
                call = self._call_at[event.output_index]
                return self._arguments(call, call.arguments.take(event.delta))
            case events.OutputItemAdded() if event.item["type"] == "function_call":
                return self._call(len(self._call_at), event.output_index, event.item)
            case events.Restarted():
                self._restart()
            case events.Snapshot():
                return self._whole(event.response, event.first_index)
            case events.Completed() | events.Incomplete() | events.Failed():
                return self._end(event.response)
        return []

    def _restart(self) -> None:
        """Compare the next attempt. Raises DiffersError after a call: a client may have begun to read it."""
        if self._calls:
            raise DiffersError
        for sent in self._texts.values():
            sent.place = 0

    def _whole(self, response: ResponseObject, first_index: int) -> list[str]:
        """The rest of a snapshot, which replaces all earlier events."""
        if response["status"] in TERMINAL_OF:
            return self._end(response)
        return self._rest(response, first_index)

    def _rest(self, response: ResponseObject, first_index: int = 0) -> list[str]:
        """The parts of the output so far that were not sent. Raises DiffersError."""
        answer, found = answer_of(response), []
        wholes = {"reasoning_content": answer.reasoning, "content": answer.content, "refusal": answer.refusal}
        for name, whole in wholes.items():
            found += self._text(name, self._texts[name].take_again(whole))
        self._call_at = {}
        output = enumerate(response["output"], first_index)
        placed = [(at, item) for at, item in output if item["type"] == "function_call"]
        for number, (at, item) in enumerate(placed):
            found += self._call(number, at, item)
            call = self._call_at[at]
            found += self._arguments(call, call.arguments.take_again(item["arguments"]))
        if len(placed) < len(self._calls):
            raise DiffersError
        for call in self._calls:
            call.arguments.check_end()
        return found

    def _text(self, name: str, text: str) -> list[str]:
        return self._delta(f'{{"{name}":{_dumps(text)}}}') if text else []

    def _call(self, number: int, at: int, item: OutputItem) -> list[str]:
        """The beginning of the attempt's call with this number. Raises DiffersError."""
        is_new = number == len(self._calls)
        if is_new:
            self._calls.append(SentCall(item["call_id"], item["name"]))
        call = self._call_at[at] = self._calls[number]
        if (call.id, call.name) != (item["call_id"], item["name"]):
            raise DiffersError
        if not is_new:
            return []
        function = {"name": call.name, "arguments": ""}
        part = {"index": number, "id": call.id, "type": "function", "function": function}
        return self._delta(_dumps({"tool_calls": [part]}))

    def _arguments(self, call: SentCall, text: str) -> list[str]:
        part = {"index": self._calls.index(call), "function": {"arguments": text}}
        return self._delta(_dumps({"tool_calls": [part]})) if text else []

    def _end(self, response: ResponseObject) -> list[str]:
        if response["status"] in ("cancelled", "failed"):
            self.final, error = response, response["error"]
            fault = (error["code"], error["message"]) if error else (CANCELLED, REFUSALS[CANCELLED][1])
            return self._end_failed(*fault)
        found = self._rest(response)
        for sent in self._texts.values():
            sent.check_end()
        found += self._delta("{}", _dumps(finish_reason(response)))
        self.final, self.ended = response, True
        if self._include_usage and (counts := usage(response)):
            found.append(self._chunk("", counts))
        return found

    def _end_failed(self, code: str, message: str) -> list[str]:
        self.ended = True
        error = {"message": message, "type": "server_error", "param": None, "code": code}
        return [_dumps({"error": error})]

    def _delta(self, delta: str, reason: str = "null") -> list[str]:
        """A chunk of this JSON, after the first one of the stream, which has the role."""
        chunk = self._choice(delta, reason)
        if self.begun:
            return [chunk]
        self.begun = True
        return [self._choice(OPENING), chunk]

    def _choice(self, delta: str, reason: str = "null") -> str:
        return self._chunk(f'{{"index":0,"delta":{delta},"finish_reason":{reason},"logprobs":null}}')

    def _chunk(self, choice: str, counts: JSON | None = None) -> str:
        counted = f',"usage":{_dumps(counts)}' if self._include_usage else ""
        return f'{self._shared},"choices":[{choice}]{counted}}}'

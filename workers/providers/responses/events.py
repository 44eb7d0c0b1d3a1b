"""Merge the events of OpenAI's Responses API into chunks. Pure.

Format: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from chat.protocol.events import JSON
from chat.protocol.inputs import MAX_NAME_CHARS
from chat.protocol.pieces import CallPart, PieceKind
from workers.providers.answer_values import MALFORMED, reported, usage_of, whole_pairs
from workers.providers.base import Chunk, FinishReason, ProviderError
from workers.providers.responses.items import ItemReader
from workers.providers.responses.received import Call, Received, id_of, paired, with_id
from workers.providers.storable import REPLACEMENT, storable

# by event type: the kind of its delta
_DELTAS: dict[str, PieceKind] = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning_summary_text.delta": "reasoning",
}
_SAID: tuple[PieceKind, ...] = ("text", "refusal")  # in messages
_BEGUN = ("response.created", "response.queued", "response.in_progress")
_ENDED = ("response.completed", "response.incomplete", "response.failed", "response.cancelled")
_LIVE = ("queued", "in_progress")
_CUT_OFF: dict[str, FinishReason] = {"max_output_tokens": "length", "content_filter": "content_filter"}
_OF_SERVER = ("server_error", "rate_limit_exceeded", "vector_store_timeout")  # other errors: of the request
_OF_ITEM = ("response.output_item.added", "response.output_item.done")
_PARAGRAPH = "\n\n"  # between parts of the reasoning


class EventReader:
    """Reads one response: its events, or the whole object."""

    def __init__(self) -> None:
        self.finish: FinishReason | None = None
        self.run = ""  # the response's id, of one in background: another connection can continue it
        self.number = -1  # of the last event
        self.after = -1  # events to this number are repeated: a server ignored `starting_after`
        self.over = False  # the server has ended it, also with an error
        self.known = False
        self.whole = False  # a document says itself that it is complete
        self._received: dict[PieceKind | int, Received] = defaultdict(Received)  # by kind, or call
        self._calls: list[Call] = []
        self._call_at: dict[Any, Call] = {}  # by output index
        self._items = ItemReader()
        self._thought: Any = None  # the last part of the reasoning
        self._half: tuple[PieceKind | int, str] = ("text", "")  # a high surrogate that ended a delta

    def read(self, value: Any, chunk: Chunk) -> bool:
        """Merge an event, or a response object. True: it is over. Raises ProviderError."""
        try:
            if value:
                self._merge(value, chunk)
        except MALFORMED as error:
            raise ProviderError("upstream_malformed") from error
        return self.over

    def conclude(self, word: str, chunk: Chunk) -> None:
        """[DONE]: too early without a terminal event. Raises ProviderError."""
        if self.finish is None:
            raise ProviderError("upstream_cut")

    def flush(self, chunk: Chunk) -> None:
        """Keep the held half of a character: another connection may bring the rest."""

    def _merge(self, body: JSON, chunk: Chunk) -> None:
        if self._is_repeated(body.get("sequence_number")):
            return
        kind = body.get("type")
        self.known = self.known or isinstance(kind, str)
        if kind in _DELTAS:
            self._delta(_DELTAS[kind], body, chunk)
        elif kind in _BEGUN:
            self._begin(body["response"])
        elif kind in _ENDED:
            self._end(body["response"], chunk)
        elif kind == "error":
            self._fail(body)
        elif kind is None:
            self._untyped(body, chunk)
        else:
            self._of_item(kind, body, chunk)

    def _is_repeated(self, number: Any) -> bool:
        """Whether an event is before those asked for; else remember its number."""
        if type(number) is not int:
            return False
        if number <= self.after:
            return True
        self.number = number
        return False

    def _untyped(self, body: JSON, chunk: Chunk) -> None:
        """A response object, or an error; other values say nothing."""
        if body.get("object") == "response":
            if body.get("status") not in _LIVE:
                self._end(body, chunk)
        elif body.get("error"):
            self._fail(body["error"])

    def _of_item(self, kind: str, body: JSON, chunk: Chunk) -> None:
        """An event of a function call, or of an item of another kind; all others are unknown."""
        place = body.get("output_index")
        call = self._call_at.get(place)
        match kind:
            case "response.output_item.added" if body["item"].get("type") == "function_call":
                self._open(body["item"], place, chunk)
            case "response.output_item.added":
                self._keep(place, body["item"], chunk, done=False)
            case "response.function_call_arguments.delta" if call:
                self._add(call.index, body["delta"], chunk)
            case "response.function_call_arguments.done" if call and body.get("item_id") == call.item_id:
                self._complete(call, body, chunk)
            case "response.output_item.done":
                self._end_item(body["item"], place, chunk)

    def _keep(self, place: Any, item: JSON, chunk: Chunk, *, done: bool, is_over: bool = False) -> None:
        """An item of another kind than texts and calls."""
        part = self._items.read(place, item, done=done, is_over=is_over)
        if part is not None:
            self._complete_half(chunk)
            chunk.parts.append(part)

    def _begin(self, response: JSON) -> None:
        if response.get("background") is True and isinstance(response.get("id"), str):
            self.run = response["id"]

    def _delta(self, kind: PieceKind, body: JSON, chunk: Chunk) -> None:
        if kind == "reasoning":
            part = body.get("summary_index", body.get("content_index"))
            self._think((body.get("output_index"), body["type"], part), body["delta"], chunk)
        else:
            self._add(kind, body["delta"], chunk)

    def _think(self, part: Any, text: str, chunk: Chunk) -> None:
        """Add reasoning, with a paragraph between its parts."""
        if text and part != self._thought:
            text = text if self._thought is None else _PARAGRAPH + text
            self._thought = part
        self._add("reasoning", text, chunk)

    def _open(self, item: JSON, place: Any, chunk: Chunk) -> None:
        name, call_id = item["name"], id_of(item)
        if not (isinstance(name, str) and 0 < len(name) <= MAX_NAME_CHARS and isinstance(call_id, str)):
            raise TypeError  # no client could send it back
        call = self._call_at[place] = Call(len(self._calls), call_id, item.get("id"))
        self._calls.append(call)
        self._complete_half(chunk)
        chunk.parts.append(CallPart(call.index, storable(name), storable(call_id)))
        self._add(call.index, item.get("arguments") or "", chunk)

    def _complete(self, call: Call, item: JSON, chunk: Chunk) -> None:
        """Add the rest of a call's arguments."""
        self._add(call.index, self._received[call.index].rest(item.get("arguments") or ""), chunk)

    def _end_item(self, item: JSON, place: Any, chunk: Chunk) -> None:
        """Add what the deltas of an item lacked; a call of another id at a known place is left to the end."""
        match item.get("type"):
            case "function_call":
                if call := with_id(self._calls, id_of(item)):
                    self._complete(call, item, chunk)
                elif place not in self._call_at:
                    self._open(item, place, chunk)
            case "message":
                for kind in _SAID:
                    self._add(kind, self._received[kind].rest_of_item(_text_of(kind, [item])), chunk)
                    self._received[kind].end_item()
            case "reasoning":
                if not self._received["reasoning"].in_item:
                    self._think_whole(item, place, chunk)
                self._received["reasoning"].end_item()
            case _:
                self._keep(place, item, chunk, done=True)

    def _add(self, lane: PieceKind | int, text: str, chunk: Chunk) -> None:
        """Add to a kind of text, or to the arguments of a call. Raises TypeError if it is no text."""
        if not isinstance(text, str):
            raise TypeError
        if not text:
            return
        self._received[lane].pieces.append(text)
        if self._half[0] != lane:
            self._complete_half(chunk)
        text, half = whole_pairs(self._half[1] + text)
        self._half = lane, half
        self._emit(lane, storable(text), chunk)

    def _complete_half(self, chunk: Chunk) -> None:
        lane, half = self._half
        self._half = lane, ""
        self._emit(lane, REPLACEMENT if half else "", chunk)

    def _emit(self, lane: PieceKind | int, text: str, chunk: Chunk) -> None:
        if isinstance(lane, str):
            chunk.add(lane, text)
        elif text:
            chunk.parts.append(CallPart(lane, arguments=text))

    def _end(self, response: JSON, chunk: Chunk) -> None:
        """Merge the whole object: the rest of the output, usage, the outcome."""
        status = response.get("status")
        self._merge_output(response.get("output") or [], chunk)
        self._complete_half(chunk)
        chunk.usage = usage_of(response.get("usage")) or chunk.usage
        if status not in ("completed", "incomplete"):
            self._fail(response.get("error") or {})
        reason = str((response.get("incomplete_details") or {}).get("reason"))
        self.finish = chunk.finish = "stop" if status == "completed" else _CUT_OFF.get(reason, "length")
        self.over = True

    def _merge_output(self, output: list[JSON], chunk: Chunk) -> None:
        has_thoughts, known = bool(self._received["reasoning"].pieces), {}
        for kind in _SAID:
            whole = _text_of(kind, output)
            known[kind] = len(whole) - len(self._received[kind].rest(whole))
        calls = iter(paired(self._calls, [item for item in output if item.get("type") == "function_call"]))
        for place, item in enumerate(output):
            match item.get("type"):
                case "reasoning" if not has_thoughts:
                    self._think_whole(item, place, chunk)
                case "message":
                    for kind, text in _contents(item):
                        self._add(kind, text[known[kind] :], chunk)
                        known[kind] -= min(known[kind], len(text))
                case "function_call" if call := next(calls):
                    self._complete(call, item, chunk)
                case "function_call":
                    self._open(item, place, chunk)
                case _:
                    is_done = item.get("status") != "in_progress"
                    self._keep(place, item, chunk, done=is_done, is_over=True)

    def _think_whole(self, item: JSON, place: int, chunk: Chunk) -> None:
        for part, text in _thoughts(item):
            self._think((place, *part), text, chunk)

    def _fail(self, error: Any) -> None:
        """Raise the error of a failed response."""
        self.over = True
        error = error if isinstance(error, dict) else {"message": str(error)}
        of_server = str(error.get("code") or "server_error") in _OF_SERVER
        raise reported({"error": error}, 200 if of_server else 400)


def _thoughts(item: JSON) -> Iterator[tuple[tuple[str, int], str]]:
    """The parts of a reasoning item, each with its place."""
    for name in ("summary", "content"):
        for index, part in enumerate(item.get(name) or ()):
            yield (name, index), part["text"]


def _text_of(kind: PieceKind, items: list[JSON]) -> str:
    """The text of one kind in the messages among items."""
    messages = (item for item in items if item.get("type") == "message")
    return "".join(text for item in messages for each, text in _contents(item) if each == kind)


def _contents(item: JSON) -> Iterator[tuple[PieceKind, str]]:
    for part in item.get("content") or ():
        if part.get("type") == "output_text":
            yield "text", part["text"]
        elif part.get("type") == "refusal":
            yield "refusal", part["refusal"]

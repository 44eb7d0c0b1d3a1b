"""Merge the events of OpenAI's Responses API into chunks. Pure.

Format: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Iterator
from typing import Any

from chat.protocol.events import JSON
from chat.protocol.pieces import CallPart, PieceKind
from workers.providers.answer_values import MALFORMED, reported, usage_of, whole_pairs
from workers.providers.base import Chunk, FinishReason, ProviderError
from workers.providers.responses.items import ItemReader
from workers.providers.storable import REPLACEMENT, storable

# by event type: the kind of its delta
_DELTAS: dict[str, PieceKind] = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning_summary_text.delta": "reasoning",
}
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
        self._streamed: set[str] = set()  # kinds with deltas
        self._calls: dict[Any, int] = {}  # by output index
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
        if kind in _OF_ITEM:
            item, done = body["item"], kind == "response.output_item.done"
            if item.get("type") != "function_call":
                self._keep(place, item, chunk, done=done)
            elif not done:
                self._open(item, place, chunk)
        elif kind == "response.function_call_arguments.delta" and place in self._calls:
            self._add(self._calls[place], body["delta"], chunk)

    def _keep(self, place: Any, item: JSON, chunk: Chunk, *, done: bool, is_over: bool = False) -> None:
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
        self._streamed.add(kind)

    def _think(self, part: Any, text: str, chunk: Chunk) -> None:
        """Add reasoning, with a paragraph between its parts."""
        if text and part != self._thought:
            text = text if self._thought is None else _PARAGRAPH + text
            self._thought = part
        self._add("reasoning", text, chunk)

    def _open(self, item: JSON, place: Any, chunk: Chunk) -> None:
        name, call_id = item["name"], item.get("call_id") or item.get("id") or ""
        if not (isinstance(name, str) and name and isinstance(call_id, str)):
            raise TypeError
        index = self._calls[place] = len(self._calls)
        self._complete_half(chunk)
        chunk.add_call(CallPart(index, storable(name), storable(call_id)))
        self._add(index, item.get("arguments") or "", chunk)
        self._streamed.add("call")

    def _add(self, lane: PieceKind | int, text: str, chunk: Chunk) -> None:
        """Add to a kind of text, or to the arguments of a call. Raises TypeError if it is no text."""
        if not isinstance(text, str):
            raise TypeError
        if not text:
            return
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
            chunk.add_call(CallPart(lane, arguments=text))

    def _end(self, response: JSON, chunk: Chunk) -> None:
        """Merge the whole object: the kinds of which no delta came, usage, the outcome."""
        status, streamed = response.get("status"), frozenset(self._streamed)
        for place, item in enumerate(response.get("output") or ()):
            self._item(place, item, streamed, chunk)
        self._complete_half(chunk)
        chunk.usage = usage_of(response.get("usage")) or chunk.usage
        if status not in ("completed", "incomplete"):
            self._fail(response.get("error") or {})
        reason = str((response.get("incomplete_details") or {}).get("reason"))
        self.finish = chunk.finish = "stop" if status == "completed" else _CUT_OFF.get(reason, "length")
        self.over = True

    def _item(self, place: int, item: JSON, streamed: frozenset[str], chunk: Chunk) -> None:
        match item.get("type"):
            case "reasoning" if "reasoning" not in streamed:
                for part, text in _thoughts(item):
                    self._think((place, *part), text, chunk)
            case "message":
                for kind, text in _contents(item):
                    if kind not in streamed:
                        self._add(kind, text, chunk)
            case "function_call":
                if "call" not in streamed:
                    self._open(item, place, chunk)
            case _:
                self._keep(place, item, chunk, done=item.get("status") != "in_progress", is_over=True)

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


def _contents(item: JSON) -> Iterator[tuple[PieceKind, str]]:
    for part in item.get("content") or ():
        if part.get("type") == "output_text":
            yield "text", part["text"]
        elif part.get("type") == "refusal":
            yield "refusal", part["refusal"]

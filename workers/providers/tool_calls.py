"""Read the function calls of a chat completion, in the forms that servers use. Pure."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chat.protocol.events import JSON
from chat.protocol.inputs import MAX_NAME_CHARS
from chat.protocol.pieces import CallPart
from workers.providers.answer_values import Characters
from workers.providers.base import ProviderError
from workers.providers.storable import storable

MAX_CALLS = 128


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    number: int = -1  # among the named calls
    held: str = ""  # arguments that came before the name
    characters: Characters = field(default_factory=Characters)  # of the arguments


class CallReader:
    """Numbers the calls of one completion as their names come, and finds the call of each part.

    OpenAI distinguishes calls by `index`; some servers send none, or 0 for each whole call; some repeat id
    and name with each part.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._of_index: dict[Any, _Call] = {}
        self._named = 0

    def read(self, parts: Iterable[JSON]) -> Iterator[CallPart]:
        """Yield the parts of one delta or message. Raises ProviderError."""
        for part in parts:
            function = part.get("function") or {}
            own_id, name = _text(part.get("id")), _text(function.get("name"))
            if len(name) > MAX_NAME_CHARS:  # no client could send it back
                raise ProviderError("upstream_malformed")
            call = self._call(part.get("index"), own_id, name)
            is_new, call.name = name and not call.name, call.name or name
            call.id = call.id or own_id
            arguments = call.characters.take(_arguments(function.get("arguments")))
            if not call.name:
                call.held += arguments
            elif is_new:
                call.number, self._named = self._named, self._named + 1
                yield CallPart(call.number, call.name, call.id, call.held + arguments)
            elif arguments:
                yield CallPart(call.number, arguments=arguments)

    def flush(self) -> Iterator[CallPart]:
        """Yield the held halves of characters of arguments: none follows."""
        for call in self._calls:
            if call.name and (arguments := call.characters.flush()):
                yield CallPart(call.number, arguments=arguments)

    def require_names(self) -> None:
        """Raise ProviderError if a call has no name: no client could run it."""
        if not all(call.name for call in self._calls):
            raise ProviderError("upstream_malformed")

    def _call(self, index: Any, own_id: str, name: str) -> _Call:
        call = self._of_index.get(index)
        begins = call is None or _is_other(call, own_id, name, without_index=index is None)
        if begins:
            if len(self._calls) == MAX_CALLS:
                raise ProviderError("upstream_malformed")
            call = self._of_index[index] = _Call()
            self._calls.append(call)
        assert call is not None  # it has begun
        return call


def _is_other(call: _Call, own_id: str, name: str, *, without_index: bool) -> bool:
    """Whether an id or a name is of another call than the latest with this index."""
    if own_id and call.id:
        return own_id != call.id
    if without_index:
        return bool(name and call.name)
    return bool(name and call.name and name != call.name)


def _text(value: Any) -> str:
    return storable(value) if isinstance(value, str) else ""


def _arguments(value: Any) -> str:
    """JSON as text; Ollama sends an object."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)

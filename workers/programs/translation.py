"""Translate between the values of programs and the chunks of providers. Pure."""

import json
from collections.abc import AsyncGenerator, AsyncIterator

from chat.protocol.events import JSON
from chat.protocol.inputs import MAX_NAME_CHARS
from chat.protocol.pieces import CallPart, Piece, PieceKind
from workers.programs.values import Call, Cut, Reasoning, Refusal, Usage, Value
from workers.providers.base import Chunk, FinishReason
from workers.providers.storable import storable

MAX_VALUE_CHARS = 1_048_576  # of one value: it is one event

_FINISH: dict[str, FinishReason] = {"max_output_tokens": "length", "content_filter": "content_filter"}
_CUT = {"length": Cut("max_output_tokens"), "content_filter": Cut("content_filter")}


class NotAValueError(TypeError):
    """A program yielded something else, or too much; its text is the type, or the size."""


class Translator:
    """Adds the values of one answer to chunks."""

    def __init__(self) -> None:
        self.finish: FinishReason = "stop"
        self._calls = 0
        self._usage: Usage | None = None

    def add(self, value: Value, chunk: Chunk) -> int:
        """Add a value; return the number of its characters. Raises NotAValueError for anything else."""
        match value:
            case str():
                return _add_text("text", value, chunk)
            case Reasoning(str(text)):
                return _add_text("reasoning", text, chunk)
            case Refusal(str(text)):
                return _add_text("refusal", text, chunk)
            case Call(str(), str() | dict(), str() | None):
                return self._add_call(value, chunk)
            case Usage():
                self._usage = _sum(self._usage, value)
                chunk.usage = _usage(self._usage)
            case Cut(str(reason)) if reason in _FINISH:
                self.finish = _FINISH[reason]
            case _:
                raise NotAValueError(_described(value))
        return 0

    def _add_call(self, call: Call, chunk: Chunk) -> int:
        part = _call_part(self._calls, call)
        if len(part.name) > MAX_NAME_CHARS:
            raise NotAValueError(f"{_described(call)} with a name of over {MAX_NAME_CHARS} characters")
        chars = _checked(part.arguments)
        chunk.parts.append(part)
        self._calls += 1
        return chars


def _add_text(kind: PieceKind, text: str, chunk: Chunk) -> int:
    chars = _checked(text)
    chunk.add(kind, storable(text))
    return chars


def _checked(text: str) -> int:
    """The length of a text. Raises NotAValueError if it is too long."""
    if len(text) > MAX_VALUE_CHARS:
        raise NotAValueError(f"a text of {len(text)} characters, {MAX_VALUE_CHARS} at most")
    return len(text)


async def values(chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Value, None]:
    """Yield the values of chunks; calls, which arrive in parts, at the end. Other items have no values."""
    calls: dict[int, list[CallPart]] = {}
    cut: Cut | None = None
    usage: JSON | None = None
    async for chunk in chunks:
        for part in chunk.parts:
            if isinstance(part, CallPart):
                calls.setdefault(part.index, []).append(part)
            elif isinstance(part, Piece):
                yield _text(part)
        cut = _CUT.get(chunk.finish or "", cut)
        usage = chunk.usage or usage
    for index in sorted(calls):
        yield _call(calls[index])
    if usage:
        yield _usage_of(usage)
    if cut:
        yield cut


def _described(value: object) -> str:
    """The type, not the value: it may be text of a person. A field of the wrong type is named, too."""
    if isinstance(value, Reasoning | Refusal | Call):
        fields = ", ".join(type(getattr(value, name)).__name__ for name in value.__slots__)
        return f"{type(value).__name__}({fields})"
    return type(value).__name__


def _call_part(index: int, call: Call) -> CallPart:
    arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
    return CallPart(index, storable(call.name), storable(call.id or ""), storable(arguments))


def _sum(first: Usage | None, second: Usage) -> Usage:
    if first is None:
        return second
    return Usage(
        first.input_tokens + second.input_tokens,
        first.output_tokens + second.output_tokens,
        first.cached_tokens + second.cached_tokens,
        first.reasoning_tokens + second.reasoning_tokens,
    )


def _usage(usage: Usage) -> JSON:
    """As the Responses API has it."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _text(piece: Piece) -> Value:
    match piece.kind:
        case "reasoning":
            return Reasoning(piece.text)
        case "refusal":
            return Refusal(piece.text)
    return piece.text


def _call(parts: list[CallPart]) -> Call:
    name = next((part.name for part in parts if part.name), "")
    call_id = next((part.id for part in parts if part.id), None)
    return Call(name, "".join(part.arguments for part in parts), call_id)


def _usage_of(usage: JSON) -> Usage:
    return Usage(
        usage["input_tokens"],
        usage["output_tokens"],
        usage["input_tokens_details"]["cached_tokens"],
        usage["output_tokens_details"]["reasoning_tokens"],
    )

"""Each dialect is read right however the network splits it, and is complete only at its end."""

import json
import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.protocol.errors import FAILURES
from chat.protocol.pieces import CallPart, Part, Piece
from chat.responses.model_catalog import ModelConfig
from tests.workers.providers.dialects import DIALECTS, Dialect
from tests.workers.providers.dialects.base import delta, events
from workers.providers.base import Chunk, ProviderError
from workers.providers.completion import Reader
from workers.providers.exchange.reading import chunks as _chunks
from workers.providers.framing import Framing

CODES = {"upstream_error", "upstream_malformed", "upstream_cut", "upstream_wrong_address"}
CODES |= {"context_length_exceeded", "upstream_no_credit", "rate_limit_exceeded"}
TAGS = ModelConfig("any", "https://any.example/v1").reasoning_tags or None


@dataclass(frozen=True)
class Answer:
    """One body as the provider reads it."""

    text: str
    reasoning: str
    finish: str | None
    code: str | None
    output_tokens: int | None
    refusal: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()


def answer(dialect: Dialect, *pieces: bytes) -> Answer:
    """Read a body that arrives in these pieces."""

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    async def read() -> Answer:
        chunks, code = [Chunk()], None
        headers = {name.lower(): value for name, value in dialect.all_headers.items()}
        framing = Framing(headers.get("content-type", ""), headers.get("content-encoding", ""))
        try:
            async for chunk in _chunks(body(), framing, Reader(TAGS)):
                chunks.append(chunk)
        except ProviderError as error:
            code = error.code
        finish = next((chunk.finish for chunk in reversed(chunks) if chunk.finish), None)
        usage = next((chunk.usage for chunk in reversed(chunks) if chunk.usage), {})
        text, reasoning = (
            "".join(getattr(chunk, name) for chunk in chunks) for name in ("text", "reasoning")
        )
        parts = [part for chunk in chunks for part in chunk.parts]
        refusal = "".join(p.text for p in parts if isinstance(p, Piece) and p.kind == "refusal")
        ended = None if code else finish
        return Answer(text, reasoning, ended, code, usage.get("output_tokens"), refusal, calls_of(parts))

    reading = read()
    try:
        while True:
            reading.send(None)  # nothing waits: a loop would cost more than the reading
    except StopIteration as done:
        result: Answer = done.value
        return result


def calls_of(parts: Iterable[Part]) -> tuple[tuple[str, str, str], ...]:
    """Return the calls of the parts: each begins once, with its name, and the next number."""
    calls: list[list[str]] = []
    for part in parts:
        if isinstance(part, CallPart):
            assert bool(part.name) == (part.index == len(calls)), part
            if part.name:
                calls.append([part.name, part.id, ""])
            calls[part.index][2] += part.arguments
    return tuple((name, call_id, arguments) for name, call_id, arguments in calls)


def expected(dialect: Dialect) -> Answer:
    """Return the answer as the table has it."""
    finish = None if dialect.code else dialect.finish
    d = dialect
    return Answer(d.text, d.reasoning, finish, d.code, d.output_tokens, d.refusal, d.calls)


def before_held(text: str) -> str:
    """Return a text without the beginning of a tag, or half a pair, at its end."""
    return re.sub(r"(<|</)[think]*$|\N{REPLACEMENT CHARACTER}$", "", text)


@pytest.fixture(params=list(DIALECTS.values()), ids=list(DIALECTS))
def dialect(request: pytest.FixtureRequest) -> Dialect:
    found: Dialect = request.param
    return found


def test_a_dialect_is_read_right_whole_and_byte_by_byte(dialect: Dialect) -> None:
    body = dialect.body
    assert answer(dialect, body) == expected(dialect)
    assert answer(dialect, *(body[at : at + 1] for at in range(len(body)))) == expected(dialect)
    assert dialect.code is None or dialect.code in FAILURES


@pytest.mark.slow
def test_it_may_be_cut_off_at_every_byte(dialect: Dialect) -> None:
    whole = expected(dialect)
    for cut in range(len(dialect.body)):
        part = answer(dialect, dialect.body[:cut])
        assert part.code in CODES or complete(part, dialect), (cut, part)
        assert whole.text.startswith(before_held(part.text)), (cut, part)
        assert whole.reasoning.startswith(before_held(part.reasoning)), (cut, part)
        for call, whole_call in zip(part.calls, whole.calls, strict=False):
            assert (call[:2], whole_call[2].startswith(call[2])) == (whole_call[:2], True), (cut, part)


@pytest.mark.parametrize(
    ("kept", "reasoning", "value"),
    [("<th", "", "<th"), ("", "hm</th", "<think>hm</th"), ("\N{REPLACEMENT CHARACTER}", "", "\ud83d")],
)
@pytest.mark.parametrize("end", [b"", b"data: {]\n\n", b'data: {"error":"words"}\n\n'])
def test_held_text_is_kept_at_a_fault(kept: str, reasoning: str, value: str, end: bytes) -> None:
    stream = events(json.dumps(delta(value)), done=None)
    part = answer(DIALECTS["openai"], stream, end)
    assert (part.text, part.reasoning, part.finish) == (kept, reasoning, None)
    assert part.code in CODES


def complete(part: Answer, dialect: Dialect) -> bool:
    """Whether the answer may end here."""
    if dialect is DIALECTS["gemini-stop-always"]:
        return part.finish is not None
    whole = expected(dialect)
    return replace(part, output_tokens=None) == replace(whole, output_tokens=None)


@settings(max_examples=100)
@given(st.sampled_from(sorted(DIALECTS)), st.lists(st.integers(0, 1000), max_size=12))
def test_any_split_of_it_gives_the_same_answer(name: str, cuts: list[int]) -> None:
    dialect = DIALECTS[name]
    ends = [*sorted(cut % (len(dialect.body) + 1) for cut in cuts), len(dialect.body)]
    pieces = [dialect.body[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    assert answer(dialect, *pieces) == expected(dialect)


DAMAGE = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 255)), min_size=1, max_size=4)


@settings(max_examples=150)
@given(st.sampled_from(sorted(DIALECTS)), DAMAGE)
def test_a_damaged_body_is_an_answer_or_an_error(name: str, damage: list[tuple[int, int]]) -> None:
    body = bytearray(DIALECTS[name].body or b" ")
    for at, byte in damage:
        body[at % len(body)] = byte
    part = answer(DIALECTS[name], bytes(body))
    assert part.code in CODES or part.finish is not None
    (part.text + part.reasoning).encode()


NAMES = [
    "choices",
    "delta",
    "message",
    "content",
    "type",
    "text",
    "thinking",
    "reasoning",
    "finish_reason",
    "index",
    "tool_calls",
    "function_call",
    "function",
    "name",
    "arguments",
    "id",
    "refusal",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "prompt_tokens_details",
    "error",
    "x_groq",
    "done",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=150)
@given(JSON)
def test_json_of_other_types_is_an_answer_or_an_error(value: Any) -> None:
    part = answer(DIALECTS["openai"], events(delta("kept"), value))
    assert part.code in CODES or part.finish is not None
    assert part.text.startswith("kept")

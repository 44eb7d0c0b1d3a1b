"""Values of programs become chunks, and chunks values."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from chat.protocol.pieces import CallPart, Piece
from tests.workers.chunks import chunk_of
from workers.programs import Call, Cut, Reasoning, Refusal, Usage
from workers.programs.translation import MAX_VALUE_CHARS, NotAValueError, Translator, values
from workers.providers.base import Chunk


def translated(*given: Any) -> tuple[Chunk, Translator]:
    translator, chunk = Translator(), Chunk()
    for value in given:
        translator.add(value, chunk)
    return chunk, translator


async def replayed(*chunks: Chunk) -> list[Any]:
    async def each() -> AsyncIterator[Chunk]:
        for chunk in chunks:
            yield chunk

    return [value async for value in values(each())]


def test_text_keeps_its_order_and_neighbours_are_joined() -> None:
    chunk, translator = translated("a", "b", Reasoning("c"), "", "d", Refusal("e"))
    assert chunk.parts == [
        Piece("text", "ab"),
        Piece("reasoning", "c"),
        Piece("text", "d"),
        Piece("refusal", "e"),
    ]
    assert translator.finish == "stop"


def test_text_that_cannot_be_stored_is_replaced() -> None:
    chunk, _ = translated("a\x00", Reasoning("\ud800"), Call("f\x00", '"\udc00"', "\x00"))
    lost = "\N{REPLACEMENT CHARACTER}"
    assert chunk.parts == [
        Piece("text", f"a{lost}"),
        Piece("reasoning", lost),
        CallPart(0, f"f{lost}", lost, f'"{lost}"'),
    ]


def test_calls_are_numbered_and_have_their_arguments_as_text() -> None:
    chunk, _ = translated(Call("first", {"a": [1, "é"]}, "call_1"), "then", Call("second"))
    assert chunk.parts == [
        CallPart(0, "first", "call_1", '{"a": [1, "\\u00e9"]}'),
        Piece("text", "then"),
        CallPart(1, "second", "", "{}"),
    ]


def test_usages_are_added_up() -> None:
    chunk, _ = translated(Usage(1, 2, 3, 4), Usage(10, 20))
    assert chunk.usage == {
        "input_tokens": 11,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
        "output_tokens": 22,
        "output_tokens_details": {"reasoning_tokens": 4},
        "total_tokens": 33,
    }


@pytest.mark.parametrize(
    ("reason", "finish"), [("max_output_tokens", "length"), ("content_filter", "content_filter")]
)
def test_a_cut_is_the_finish(reason: Any, finish: str) -> None:
    assert translated("a", Cut(reason))[1].finish == finish


@pytest.mark.parametrize(
    ("value", "described"),
    [
        (None, "NoneType"),
        (b"a secret", "bytes"),
        ({"text": "a secret"}, "dict"),
        (Reasoning(b"a secret"), r"Reasoning\(bytes\)"),  # type: ignore[arg-type]  # as a program might
        (Call("f", "{}", 5), r"Call\(str, str, int\)"),  # type: ignore[arg-type]  # as above
        (Call("f" * 129), r"Call\(str, str, NoneType\) with a name of over 128 characters"),
        (Call("f", "x" * (MAX_VALUE_CHARS + 1)), r"a text of 1048577 characters, 1048576 at most"),
        (Call("f", 5), r"Call\(str, int, NoneType\)"),  # type: ignore[arg-type]  # as above
    ],
)
def test_another_value_is_refused_by_its_type(value: Any, described: str) -> None:
    with pytest.raises(NotAValueError, match=f"^{described}$"):
        translated(value)


@pytest.mark.parametrize("counts", [(-1,), (1.5,), (0, "2"), (2**53,)])
def test_a_usage_counts_in_whole_numbers(counts: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="tokens are whole numbers"):
        Usage(*counts)


def test_a_call_has_a_name() -> None:
    with pytest.raises(ValueError, match="the name of its function"):
        Call("")


async def test_chunks_are_the_values_that_make_them_again() -> None:
    given = [
        "a",
        Reasoning("b"),
        Refusal("c"),
        Call("f", '{"x": 1}', "call_1"),
        Usage(1, 2, 3, 4),
        Cut("content_filter"),
    ]
    chunk, translator = translated(*given)
    assert await replayed(chunk, Chunk(finish=translator.finish)) == given


async def test_a_call_in_parts_is_one_value_at_the_end() -> None:
    first, second = Chunk(), chunk_of("text")
    first.parts.append(CallPart(1, "late", "call_2", "{"))
    first.parts.append(CallPart(0, "early"))
    second.parts.append(CallPart(1, arguments="}"))
    assert await replayed(first, second, Chunk(finish="stop")) == [
        "text",
        Call("early", "", None),
        Call("late", "{}", "call_2"),
    ]

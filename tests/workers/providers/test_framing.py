"""The framing: however the network splits the bytes, the values are the same."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.providers import decoding, framing
from workers.providers.framing import DONE, MAX_EVENT_BYTES, Framing, FramingError, MarkupError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
STREAM = (
    BYTE_ORDER_MARK + b'data: {"a":1}\n\n: a comment\n\n'
    b'data: {"text":"w0"}\n\n'
    b'event: message\ndata:"without a space"\nid: 7\n\n'
    + 'data: {"text":"水車 🌊"}\r\n\r\n'.encode()
    + b"data: data: 2\n\nretry: 5\n"
    b'data: {"many":\ndata:   "lines"\r\n: a comment between\ndata:}\n\n'
    b"data:\n\ndata\n\n\n\ndata: null\rdata: 3\ndata: 4\r\n"
    b"event: error\ndata: plain words\n\ndata: 5\nerror: {}\n"
    b'event: error\ndata: {"code":1}\ndata: {"error":"words"}\n\nerror: {"error":2}\n'
    b'{"without":"data"}\n'
    b"data: [DONE]"
)
VALUES = [
    {"a": 1},
    {"text": "w0"},
    "without a space",
    {"text": "水車 🌊"},
    2,
    {"many": "lines"},
    None,
    3,
    4,
    {"error": True},
    5,
    {"error": True},
    {"error": {"code": 1}},
    {"error": "words"},
    {"error": 2},
    {"without": "data"},
    DONE,
]


def values(*pieces: bytes, content_type: str = "", encoding: str = "") -> list[Any]:
    """Return the values of a whole body."""
    decoder = Framing(content_type, encoding)
    return [value for piece in pieces for value in decoder.feed(piece)] + list(decoder.end())


def single(body: bytes) -> list[bytes]:
    """Return the bytes one by one."""
    return [body[at : at + 1] for at in range(len(body))]


@st.composite
def cuttings(draw: st.DrawFn) -> list[bytes]:
    """The stream in pieces, empty ones too."""
    cuts = sorted(draw(st.lists(st.integers(0, len(STREAM)), max_size=40)))
    return [STREAM[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]


@given(cuttings())
def test_any_split_of_the_stream_gives_the_same_values(pieces: list[bytes]) -> None:
    assert values(*pieces) == VALUES


@pytest.mark.parametrize(
    "encode",
    [
        gzip.compress,
        zlib.compress,
        lambda body: gzip.compress(body[:50]) + gzip.compress(body[50:]),
        lambda body: gzip.compress(body.decode("utf-8-sig").encode("utf-16")),
        lambda body: body.decode("utf-8-sig").encode("utf-16"),
        lambda body: body.decode("utf-8-sig").encode("utf-16-be"),
        lambda body: body.decode("utf-8-sig").encode("utf-32-le"),
    ],
    ids=["gzip", "zlib", "members", "gzip utf-16", "utf-16", "utf-16 without mark", "utf-32"],
)
def test_an_encoded_body_has_the_same_values(encode: Callable[[bytes], bytes]) -> None:
    body = encode(STREAM)
    encoding = "deflate" if body[:1] == b"x" else ""
    assert values(body, encoding=encoding) == values(*single(body), encoding=encoding) == VALUES


def test_raw_deflate_is_inflated() -> None:
    stream = zlib.compressobj(wbits=-15)  # as some servers understand "deflate"
    assert values(stream.compress(STREAM) + stream.flush(), encoding="deflate") == VALUES


def test_a_body_may_be_shorter_than_any_mark() -> None:
    assert values(b"{}") == values(gzip.compress(b"{}")) == [{}]


def test_inflated_bytes_do_not_wait_for_others() -> None:
    stream, body = zlib.compressobj(wbits=-15), b" " * (decoding.INFLATED_BYTES + 1)
    deflated = stream.compress(body) + stream.flush()
    assert b"".join(decoding.Inflater(deflated).feed(deflated)) == body


def test_a_charset_counts_for_bytes_that_are_no_utf_8() -> None:
    body = 'data: "é"\n'
    latin = "text/event-stream; charset=ISO-8859-1"
    assert values(body.encode("latin-1"), content_type=latin) == ["é"]
    assert values(body.encode(), content_type=latin) == ["é"]
    with pytest.raises(FramingError):
        values(body.encode("latin-1"))


@given(st.lists(st.text(), max_size=10), st.sampled_from(["\n\n", "\r\n\r\n", "\r\r", "\n", "\r\n", "\r"]))
def test_the_values_are_the_same_byte_by_byte(texts: list[str], end: str) -> None:
    stream = "".join(f"data: {json.dumps(text)}{end}" for text in texts).encode()
    assert values(*single(stream)) == values(stream) == texts


@pytest.mark.parametrize("value", [{}, [], {"a": ']}\\"['}, [{"b": [[], {"c": "{"}]}, 1.5, None, "水"]])
def test_a_document_may_be_indented(value: Any) -> None:
    document = json.dumps(value, indent=2).encode()
    assert values(document) == values(*single(document)) == [value]


def test_lines_of_json_are_values() -> None:
    assert values(b'{"a":1}\n{"b":2}\r\n\n{"c":3}') == [{"a": 1}, {"b": 2}, {"c": 3}]


@pytest.mark.parametrize(("body", "document"), [(b'{"a":1}', True), (b'data: {"a":1}\n\n', False)])
def test_a_document_differs_from_an_event(body: bytes, document: bool) -> None:
    decoder = Framing()
    assert [*decoder.feed(body), *decoder.end()] == [{"a": 1}]
    assert decoder.document is document


def test_comments_and_other_fields_are_skipped() -> None:
    assert values(b": data: no\nevent: data\n\nid: 1\nretry: 2\n data: indented\n\n") == []


def test_a_whole_value_does_not_wait_for_the_blank_line() -> None:
    decoder = Framing()
    assert list(decoder.feed(b'data: "ha')) == []
    assert list(decoder.feed(b'lf"\n')) == ["half"]


def test_an_unfinished_value_is_dropped() -> None:
    assert values(b'data: {"a":1}\n\ndata: {"b":\ndata: [2') == [{"a": 1}]


@pytest.mark.parametrize(
    "body",
    [
        b"Not Found",
        b'data: {"bro\n\n',
        b"data: words\n\n",
        b'data: {"a":\r\n\ndata: 1}\n',
        b'data: {"a":\r\rdata: 1}\r',
        b"{oops}",
        b"data: {]\n",
        b"data: " + b"[" * 100_000 + b"\n\n",
    ],
)
def test_another_body_raises(body: bytes) -> None:
    with pytest.raises(FramingError):
        values(body)
    with pytest.raises(FramingError):
        values(*single(body))


@pytest.mark.parametrize("body", [b"<!doctype html>", b"\r\n <html>", BYTE_ORDER_MARK + b"<?xml?>"])
def test_markup_raises_its_own_error(body: bytes) -> None:
    with pytest.raises(MarkupError):
        values(body)


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MAX_EVENT_BYTES", 1000)


@pytest.mark.usefixtures("_short")
@pytest.mark.parametrize("begin", [b"data: ", b"data: {", b'{"a', b"words"])
def test_a_line_without_end_raises(begin: bytes) -> None:
    decoder = Framing()
    assert list(decoder.feed(begin + b"x" * (1000 - len(begin)))) == []
    with pytest.raises(FramingError):
        list(decoder.feed(b"x"))


@pytest.mark.usefixtures("_short")
@pytest.mark.parametrize("line", [b"data: [\n", b"[\n", b"data: {}\ndata: [\n"])
def test_a_value_without_end_raises(line: bytes) -> None:
    decoder = Framing()
    with pytest.raises(FramingError):
        [value for _ in range(1000) for value in decoder.feed(line)]


@pytest.mark.usefixtures("_short")
def test_values_before_an_endless_line_come_first() -> None:
    found = Framing().feed(b"data: 1\n\ndata: " + b"x" * 1000)
    assert next(found) == 1
    with pytest.raises(FramingError):
        next(found)


@pytest.mark.usefixtures("_short")
def test_many_short_events_are_not_one_long_event() -> None:
    assert len(values(*[b": x\ndata: 1\n\n" * 100] * 100)) == 10_000


def test_a_bomb_raises_before_it_is_inflated() -> None:
    bomb = gzip.compress(b"\n" * 8 * MAX_EVENT_BYTES)
    with pytest.raises(FramingError):
        values(bomb)


def test_a_real_stream_is_no_bomb() -> None:
    fields = ",".join(f'"field{n}":null' for n in range(30))
    events = "".join(f'data: {{{fields},"content":"word{n}"}}\n\n' for n in range(4000))
    assert len(events) > MAX_EVENT_BYTES
    assert len(values(gzip.compress(events.encode(), 9))) == 4000


@pytest.mark.parametrize("word", [b"[DONE]", b"[done]", b"DONE", b"[ DONE ]", b"[DONE];"])
def test_the_usual_end_may_be_spelt_in_other_ways(word: bytes) -> None:
    assert list(Framing().feed(b"data: " + word + b"\n\n")) == [DONE]

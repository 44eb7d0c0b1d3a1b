"""The decoder: wherever the network cuts the bytes, the payloads are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers import sse
from workers.sse import Decoder, LineTooLongError

STREAM = (
    b": a comment\n\n"
    b'data: {"text":"w0"}\n\n'
    b"event: message\ndata:without a space\nid: 7\n\n"
    + 'data: {"text":"水車 🌊"}\r\n\r\n'.encode()
    + b"data: data: twice\n\nretry: 5\n"
    b"data: [DONE]\n\n"
)
PAYLOADS = [
    b'{"text":"w0"}',
    b"without a space",
    '{"text":"水車 🌊"}'.encode(),
    b"data: twice",
    b"[DONE]",
]


@st.composite
def cuttings(draw: st.DrawFn) -> list[bytes]:
    """The stream in pieces, empty ones too."""
    cuts = sorted(draw(st.lists(st.integers(0, len(STREAM)), max_size=40)))
    return [STREAM[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]


@given(cuttings())
def test_any_cutting_of_the_stream_gives_the_same_payloads(pieces: list[bytes]) -> None:
    decoder = Decoder()
    assert [payload for piece in pieces for payload in decoder.feed(piece)] == PAYLOADS


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")), max_size=10))
def test_what_each_line_carries_is_the_same_byte_by_byte(texts: list[str]) -> None:
    stream = b"".join(b"data: " + text.encode() + b"\r\n\r\n" for text in texts)
    decoder = Decoder()
    payloads = [payload for at in range(len(stream)) for payload in decoder.feed(stream[at : at + 1])]
    assert payloads == [text.encode().strip() for text in texts]


def test_comments_and_other_fields_are_skipped() -> None:
    assert Decoder().feed(b": data: no\nevent: data\n\nid: 1\nretry: 2\n data: indented\n\n") == []


def test_a_line_is_a_message_only_with_its_line_break() -> None:
    decoder = Decoder()
    assert decoder.feed(b"data: half") == []
    assert decoder.feed(b" and half") == []
    assert decoder.feed(b"\n") == [b"half and half"]


def test_a_line_without_end_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_LINE_BYTES", 1000)
    decoder = Decoder()
    assert decoder.feed(b"data: " + b"x" * 994) == []
    with pytest.raises(LineTooLongError):
        decoder.feed(b"x")


def test_many_short_lines_are_not_one_long_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_LINE_BYTES", 1000)
    assert len(Decoder().feed(b"data: x\n" * 1000)) == 1000

"""The decoder: however the network splits the bytes, the payloads are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.providers import sse
from workers.providers.sse import Decoder, EventTooLongError

STREAM = (
    b"\xef\xbb\xbfdata: first\n\n: a comment\n\n"
    b'data: {"text":"w0"}\n\n'
    b"event: message\ndata:without a space\nid: 7\n\n"
    + 'data: {"text":"水車 🌊"}\r\n\r\n'.encode()
    + b"data: data: twice\n\nretry: 5\n"
    b'data: {"many":\ndata:   "lines"\r\n: a comment between\ndata:}\n\n'
    b"data:\n\ndata\n\n\n\n"
    b"data: [DONE]\n\n"
)
PAYLOADS = [
    b"first",
    b'{"text":"w0"}',
    b"without a space",
    '{"text":"水車 🌊"}'.encode(),
    b"data: twice",
    b'{"many":\n  "lines"\n}',
    b"[DONE]",
]


@st.composite
def cuttings(draw: st.DrawFn) -> list[bytes]:
    """The stream in pieces, empty ones too."""
    cuts = sorted(draw(st.lists(st.integers(0, len(STREAM)), max_size=40)))
    return [STREAM[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)]


@given(cuttings())
def test_any_split_of_the_stream_gives_the_same_payloads(pieces: list[bytes]) -> None:
    decoder = Decoder()
    assert [payload for piece in pieces for payload in decoder.feed(piece)] == PAYLOADS


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")), max_size=10))
def test_the_payloads_are_the_same_byte_by_byte(texts: list[str]) -> None:
    stream = b"".join(b"data: " + text.encode() + b"\r\n\r\n" for text in texts)
    decoder = Decoder()
    payloads = [payload for at in range(len(stream)) for payload in decoder.feed(stream[at : at + 1])]
    assert payloads == [text.encode().strip() for text in texts if text.encode().strip()]


def test_comments_and_other_fields_are_skipped() -> None:
    stream = b": data: no\nevent: data\n\nid: 1\nretry: 2\n data: indented\n\n"
    assert list(Decoder().feed(stream)) == []


def test_lines_are_a_message_only_with_the_blank_line_behind_them() -> None:
    decoder = Decoder()
    assert list(decoder.feed(b"data: half")) == []
    assert list(decoder.feed(b" and half\n")) == []
    assert list(decoder.feed(b"\n")) == [b"half and half"]


def test_a_byte_order_mark_is_one_at_the_start_only() -> None:
    mark = sse.BYTE_ORDER_MARK
    assert list(Decoder().feed(mark + b"data: a\n\n" + mark + b"data: b\n\ndata: " + mark + b"c\n\n")) == [
        b"a",
        mark + b"c",
    ]


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1000)


@pytest.mark.usefixtures("_short")
def test_a_line_without_end_raises() -> None:
    decoder = Decoder()
    assert list(decoder.feed(b"data: " + b"x" * 994)) == []
    with pytest.raises(EventTooLongError):
        list(decoder.feed(b"x"))


@pytest.mark.usefixtures("_short")
def test_an_event_without_end_raises() -> None:
    decoder = Decoder()
    with pytest.raises(EventTooLongError):
        [payload for _ in range(200) for payload in decoder.feed(b"data: x\n")]


@pytest.mark.usefixtures("_short")
def test_payloads_before_an_endless_line_come_first() -> None:
    payloads = Decoder().feed(b"data: before\n\ndata: " + b"x" * 1000)
    assert next(payloads) == b"before"
    with pytest.raises(EventTooLongError):
        next(payloads)


@pytest.mark.usefixtures("_short")
def test_many_short_events_are_not_one_long_event() -> None:
    decoder = Decoder()
    for _ in range(10):
        assert len(list(decoder.feed(b": x\ndata: x\n\n" * 1000))) == 1000

"""A hostile body costs work in proportion to its bytes, and bounded memory."""

import gzip
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from workers.providers import decoding, framing
from workers.providers.framing import Framing, FramingError

READ_BYTES = 3000
MAX_EVENT_BYTES = 64 * 1024  # here; the proportions are those of any size
SIZE = 2 * MAX_EVENT_BYTES
BODIES = {
    "opened lines": b"data: {\n" * (SIZE // 8),
    "closed lines": b"data: }\n" * (SIZE // 8),
    "values of two lines": b"data: {\ndata: }\n" * (SIZE // 16),
    "quotes": b'data: {"\ndata: "\n' * (SIZE // 18),
    "escapes": b'data: {"' + b"\\" * SIZE,
    "one deep line": b"data: " + b"[" * SIZE,
    "many deep lines": (b"data: " + b"[" * 3000 + b"\n\n") * (SIZE // 3008),
    "repeated fields": b"data: " * (SIZE // 6),
    "byte order marks": b"\xef\xbb\xbf" * (SIZE // 3),
    "blanks": b" " * SIZE,
    "line ends": b"\r\n\r" * (SIZE // 3),
    "comments": b":\n" * (SIZE // 2),
    "broken characters": b"data: {\xff\n" * (SIZE // 9),
    "opened document": b"{\n" * (SIZE // 2),
    "empty lines in a document": b"{" + b"\n" * SIZE,
    "long unfinished event": (b'data: {"a":1}\n\n' + b'data: {"a":"' + b"x" * 5000 + b'"}\n')
    * (SIZE // 5028),
    "lines of numbers": b"data: " + b"7" * 4000 + b"\n" + b"data: 7\n" * (SIZE // 8),
    "UTF-16": ("data: {\n" * (SIZE // 16)).encode("utf-16"),
    "empty members": gzip.compress(b"", mtime=0) * (SIZE // 20),
    "inflated lines": gzip.compress(b"data: {\n" * (SIZE // 8), mtime=0),
}


@dataclass
class Work:
    """`parsed`: characters given to the parser, `scanned`: bytes searched for brackets."""

    parsed: int = 0
    scanned: int = 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    counted, depth = Work(), framing._depth

    class Counting(json.JSONDecoder):
        def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
            end = len(s)
            try:
                value, end = super().raw_decode(s, idx)
                return value, end
            finally:
                counted.parsed += end - idx

    def counted_depth(line: bytes) -> int:
        counted.scanned += len(line)
        return depth(line)

    monkeypatch.setattr(framing, "_DECODER", Counting(strict=False))
    monkeypatch.setattr(framing, "_depth", counted_depth)
    monkeypatch.setattr(framing, "MAX_EVENT_BYTES", MAX_EVENT_BYTES)
    return counted


@pytest.mark.parametrize("name", BODIES)
def test_the_work_is_in_proportion_to_the_bytes(name: str, work: Work) -> None:
    body, read, held = BODIES[name], 0, 0
    inflated = SIZE if name == "inflated lines" else 0
    decoder = Framing()
    with suppress(FramingError):
        for at in range(0, len(body), READ_BYTES):
            read += READ_BYTES
            for _ in decoder.feed(body[at : at + READ_BYTES]):
                pass
            held = max(held, len(decoder._rest) + decoder._lines.pending_bytes)
    assert work.parsed <= 3 * (read + inflated)
    assert work.scanned <= read + inflated
    assert held <= MAX_EVENT_BYTES


def test_inflated_bytes_are_bounded_by_those_received() -> None:
    bomb = gzip.compress(b"\n" * 16 * 1024 * 1024, mtime=0)
    pieces: list[int] = []
    with pytest.raises(decoding.BombError):
        pieces.extend(len(piece) for piece in decoding.Inflater(bomb).feed(bomb))
    assert 0 < max(pieces) <= decoding.INFLATED_BYTES
    assert sum(pieces) <= decoding.FREE_BYTES + decoding.MAX_RATIO * len(bomb)

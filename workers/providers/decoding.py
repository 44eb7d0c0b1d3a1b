"""Undo the compression and the encoding of a body: any bytes in, UTF-8 out. Pure."""

import codecs
import json
import zlib
from collections.abc import Iterator

HEAD_BYTES = 4  # show a byte order mark, UTF-16 without one, and gzip
PIECE_BYTES = 4096  # keeps the copies of `unused_data` short
INFLATED_BYTES = 64 * 1024  # at once
FREE_BYTES = 1024 * 1024  # at any ratio
MAX_RATIO = 100  # chunks of one answer reach 40, a bomb 1,000
GZIP = b"\x1f\x8b"


class BombError(ValueError):
    """A compressed body exceeds MAX_RATIO."""


class Inflater:
    """Inflates gzip, zlib or raw deflate of many members."""

    def __init__(self, head: bytes) -> None:
        wrapped = head.startswith(GZIP) or (head[0] & 15 == 8 and int.from_bytes(head[:2], "big") % 31 == 0)
        self._window = 47 if wrapped else -15  # as zlib.decompressobj takes it
        self._stream = zlib.decompressobj(self._window)
        self._bytes_left = FREE_BYTES

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the inflated bytes in pieces. Raises BombError, zlib.error."""
        self._bytes_left += len(data) * MAX_RATIO
        for at in range(0, len(data), PIECE_BYTES):
            piece, inflated = data[at : at + PIECE_BYTES], b""
            while piece or len(inflated) == INFLATED_BYTES:  # more may be ready without input
                inflated = self._stream.decompress(piece, INFLATED_BYTES)
                self._bytes_left -= len(inflated)
                if self._bytes_left < 0:
                    raise BombError
                yield inflated
                piece = self._stream.unconsumed_tail
                if self._stream.eof:
                    piece = self._stream.unused_data
                    self._stream = zlib.decompressobj(self._window)


class BodyDecoder:
    """Decodes a body by its first bytes: servers' headers are often wrong."""

    def __init__(self, content_encoding: str = "", inflates: bool = True) -> None:
        self.identity = False  # further bytes do not change
        self._deflated = "deflate" in content_encoding.lower()
        self._inflates = inflates
        self._head = b""
        self._sniffed = False
        self._inflater: Inflater | None = None
        self._inflated: BodyDecoder | None = None
        self._text: codecs.IncrementalDecoder | None = None

    def feed(self, data: bytes, final: bool = False) -> Iterator[bytes]:
        """Yield UTF-8 without a byte order mark. `final`: no bytes follow. Raises ValueError, zlib.error."""
        if not self._sniffed:
            data = self._head = self._head + data
            if not data or (len(data) < HEAD_BYTES and not final):
                return
            self._sniff(data)
            data = data.removeprefix(codecs.BOM_UTF8)
        if self._inflater and self._inflated:
            for piece in self._inflater.feed(data):
                yield from self._inflated.feed(piece)
            yield from self._inflated.feed(b"", final)
        elif self._text:
            yield self._text.decode(data).encode("utf-8", "surrogatepass")
        else:
            yield data

    def _sniff(self, head: bytes) -> None:
        self._sniffed = True
        encoding = json.detect_encoding(head[:HEAD_BYTES])
        if self._inflates and (self._deflated or head.startswith(GZIP)):
            self._inflater, self._inflated = Inflater(head), BodyDecoder(inflates=False)
        elif not encoding.startswith("utf-8"):
            self._text = codecs.getincrementaldecoder(encoding)("surrogatepass")
        else:
            self.identity = True

"""Pictures as files."""

import os
import struct
import zlib


def png(side: int, comment: bytes = b"") -> bytes:
    """Return a square of random pixels, 3 bytes each."""
    pixels = b"".join(b"\0" + os.urandom(3 * side) for _ in range(side))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
            _chunk(b"tEXt", b"Comment\0" + comment),
            _chunk(b"IDAT", zlib.compress(pixels, 0)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

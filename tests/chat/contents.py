"""Contents of files: the beginning of each kind that is accepted, and of some that are not."""

import struct
import zlib

# a whole picture of one pixel
PNG = (
    b"\x89PNG\r\n\x1a\n"
    + struct.pack(">I", 13)
    + b"IHDR"
    + struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    + struct.pack(">I", zlib.crc32(b"IHDR" + struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)))
)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
GIF = b"GIF89a\x01\x00\x01\x00"
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 "
PDF = b"%PDF-1.7\n\x00\xff"
TEXT = "Zwei Meter, sagt die Boje: ≈ 2 m.\n".encode()

ACCEPTED = {
    "image/png": PNG,
    "image/jpeg": JPEG,
    "image/gif": GIF,
    "image/webp": WEBP,
    "application/pdf": PDF,
    "text/plain": TEXT,
}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
REFUSED = {
    "a program": b"\x7fELF\x02\x01\x01\x00",
    "an archive": b"PK\x03\x04\x14\x00",
    "a compressed bomb": zlib.compress(b"\x00" * 1_000_000),
    "bytes": bytes(range(256)),
    "Latin-1": "tief übers Maß".encode("latin-1"),
    "UTF-16": "deep".encode("utf-16"),
    "an unfinished character": "≈".encode()[:2],
    "a cut signature": b"\x89PNG\r\n\x1a\n",
    "another RIFF": b"RIFF\x24\x00\x00\x00WAVEfmt ",
}
POLYGLOTS = {
    "a script in a GIF": GIF + b"/*\x00*/=1;alert(1)//",
    "a page in a PNG": PNG + HTML,
    "a page in a PDF": PDF + HTML,
    "a page in a JPEG": JPEG + HTML,
}


def large(size: int, head: bytes = PNG) -> bytes:
    """Content of that size."""
    return head + b"\x00" * (size - len(head))

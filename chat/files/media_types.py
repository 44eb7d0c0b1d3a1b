"""The media type of a file, by its content: what a client declares is not believed, only compared.

Nothing is decoded or decompressed.
"""

import codecs
import re

PDF, TEXT, OTHER = "application/pdf", "text/plain", "application/octet-stream"
HEAD_BYTES = 16
# pixels only: no format that can hold a script
IMAGES: dict[str, re.Pattern[bytes]] = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n....IHDR", re.DOTALL),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBPVP8", re.DOTALL),
}
PDF_HEAD = b"%PDF-"
CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")  # in no text; tab, line ends and form feed are


class Detector:
    """Finds the type of content that arrives in parts of any size."""

    def __init__(self) -> None:
        self._head = b""
        self._is_text = True
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def feed(self, part: bytes) -> None:
        """Take the next part."""
        if len(self._head) < HEAD_BYTES:
            self._head += part[: HEAD_BYTES - len(self._head)]
        self._is_text = self._is_text and CONTROLS.search(part) is None and self._decodes(part)

    def media_type(self) -> str:
        """The type of all parts: of IMAGES, PDF, TEXT (in UTF-8) or OTHER."""
        image = next((kind for kind, pattern in IMAGES.items() if pattern.match(self._head)), None)
        if image:
            return image
        if self._head.startswith(PDF_HEAD):
            return PDF
        return TEXT if self._is_text and self._decodes(b"", final=True) else OTHER

    def _decodes(self, part: bytes, *, final: bool = False) -> bool:
        try:
            self._decoder.decode(part, final)
        except UnicodeDecodeError:
            return False
        return True


def agree(declared: str, found: str) -> bool:
    """Whether the content may be what a client declared: any image is an image.

    Text has many names (JSON, source code), so the names of other kinds exclude only images and PDF.
    """
    declared = declared.partition(";")[0].strip().lower()
    if declared.startswith("image/"):
        return found in IMAGES
    if declared == PDF:
        return found == PDF
    return not declared.startswith("text/") or found == TEXT

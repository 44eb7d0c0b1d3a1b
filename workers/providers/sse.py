"""Decode server-sent events of language models: only `data:` is used. Pure.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from collections.abc import Iterator

MAX_EVENT_BYTES = 1024 * 1024  # a chunk has a few hundred
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventTooLongError(ValueError):
    """An event exceeds MAX_EVENT_BYTES."""


class Decoder:
    """Splits bytes into payloads, however the network split them."""

    def __init__(self) -> None:
        self._rest = bytearray()  # an unfinished line
        self._data: list[bytes] = []  # lines of an unfinished event
        self._data_bytes = 0
        self._at_start = True

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the payloads completed by `data`; iterate to the end. Raises EventTooLongError."""
        self._rest += data
        if b"\n" in data:
            *lines, rest = bytes(self._rest).split(b"\n")
            self._rest = bytearray(rest)
            for line in lines:
                if payload := self._take(line.removesuffix(b"\r")):
                    yield payload
        if len(self._rest) + self._data_bytes > MAX_EVENT_BYTES:
            raise EventTooLongError

    def _take(self, line: bytes) -> bytes:
        """The payload completed by a line, or empty bytes."""
        if self._at_start:
            self._at_start, line = False, line.removeprefix(BYTE_ORDER_MARK)
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
            self._data_bytes += len(line)
        if line:
            return b""
        payload = b"\n".join(self._data).strip()
        self._data, self._data_bytes = [], 0
        return payload

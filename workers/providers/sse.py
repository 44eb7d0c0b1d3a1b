"""Decode server-sent events, as far as language models send them. Pure: bytes in, payloads out.

Source of the format: https://html.spec.whatwg.org/multipage/server-sent-events.html. The `data:` lines up to
a blank line are one payload. Comments, other fields and events without data are skipped.
"""

from collections.abc import Iterator

MAX_EVENT_BYTES = 1024 * 1024  # a chunk of text has a few hundred bytes; this is no longer an answer
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventTooLongError(ValueError):
    """An event exceeds MAX_EVENT_BYTES, in one line or in many."""


class Decoder:
    """Splits a byte stream into the payloads of its events, wherever the network split it."""

    def __init__(self) -> None:
        self._rest = bytearray()  # of a line that has not ended
        self._data: list[bytes] = []  # the lines of an event that has not ended
        self._data_bytes = 0
        self._at_start = True

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the payloads that `data` completes; raises EventTooLongError. Iterate to the end."""
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
        """Process a line. Return the payload of the event that it ends, or nothing."""
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

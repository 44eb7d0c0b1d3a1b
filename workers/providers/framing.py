"""Split a model server's body into JSON values: server-sent events, lines of JSON, or one document. Pure.

Formats: https://html.spec.whatwg.org/multipage/server-sent-events.html, https://github.com/ndjson/ndjson-spec
"""

import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

from workers.providers.decoding import BodyDecoder, BombError

MAX_EVENT_BYTES = 1024 * 1024  # also of a document; a chunk has a few hundred
DONE = object()  # [DONE], the usual end
FIELDS = (b"data", b"event", b"id", b"retry", b"error")
CHARSETS = ("iso-8859-1", "windows-1252", "gb2312", "gbk", "gb18030", "big5", "shift_jis", "euc-kr", "euc-jp")
_NOTHING = object()
_DECODER = json.JSONDecoder(strict=False)  # accepts a raw tab in a string
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?')


class FramingError(ValueError):
    """The body is malformed, or an event is too long."""


class MarkupError(FramingError):
    """The body is HTML or XML."""


class Framing:
    """Decodes a body the same way however the network split it. `max_bytes`: of an event."""

    def __init__(
        self, content_type: str = "", content_encoding: str = "", max_bytes: int | None = None
    ) -> None:
        self._max_bytes = max_bytes or MAX_EVENT_BYTES
        self._body = BodyDecoder(content_encoding)
        self._begun = False  # any byte but white space
        self._rest = bytearray()  # an unfinished line
        self._after_cr = False
        self._lines = _Lines(_charset(content_type), self._max_bytes)

    @property
    def document(self) -> bool:
        """Whether the last value was no event."""
        return self._lines.document

    def feed(self, data: bytes) -> Iterator[Any]:
        """Yield the values completed by `data`, and DONE; iterate to the end. Raises FramingError."""
        if self._body.identity and self._begun:
            return self._values(data)
        return self._sniffed_values(data, final=False)

    def end(self) -> Iterator[Any]:
        """Yield the value of a last line without an end; drop an unfinished value. Raises FramingError."""
        yield from self._sniffed_values(b"", final=True)
        if self._rest and (value := self._lines.take(bytes(self._rest))) is not _NOTHING:
            yield value
        if self._begun and not self._lines.known:
            raise FramingError

    def _sniffed_values(self, data: bytes, final: bool) -> Iterator[Any]:
        try:
            for piece in self._body.feed(data, final):
                begin = piece if self._begun else piece.lstrip()
                self._begun = self._begun or bool(begin)
                if begin.startswith(b"<") and not self._lines.known and not self._rest:
                    raise MarkupError
                yield from self._values(begin)
        except (UnicodeDecodeError, BombError, zlib.error) as error:
            raise FramingError from error

    def _values(self, data: bytes) -> Iterator[Any]:
        if data.startswith(b"data: {") and self._at_event() and b"\r" not in data:
            values, data = _whole_events(data)
            yield from values
            self._lines.known, self._lines.document = True, False
        if self._after_cr or b"\r" in data:
            data = self._with_newlines(data)
        self._rest += data
        if b"\n" in data:
            *lines, rest = bytes(self._rest).split(b"\n")
            self._rest = bytearray(rest)
            for line in lines:
                if (value := self._lines.take(line)) is not _NOTHING:
                    yield value
        if len(self._rest) + self._lines.pending_bytes > self._max_bytes:
            raise FramingError

    def _at_event(self) -> bool:
        return not (self._rest or self._after_cr or self._lines.in_event)

    def _with_newlines(self, data: bytes) -> bytes:
        r"""Replace the other line ends, \r\n and \r; the first may arrive in two reads."""
        if not data:
            return data
        if self._after_cr:
            data = data.removeprefix(b"\n")
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _whole_events(data: bytes) -> tuple[list[Any], bytes]:
    r"""The values of events `data: {…}\n\n`, the usual form, and the other bytes."""
    values: list[Any] = []
    if len(data) > MAX_EVENT_BYTES:
        return values, data
    try:
        text, begin = data.decode(), 0
    except UnicodeDecodeError:
        return values, data
    try:
        while text.startswith("data: {", begin):
            value, end = _DECODER.raw_decode(text, begin + 6)
            if not text.startswith("\n\n", end):
                break
            values.append(value)
            begin = end + 2
    except (ValueError, RecursionError):
        pass  # unfinished or malformed: the caller finds out
    return values, text[begin:].encode()


class _Lines:
    """Decodes values from lines: `data:` lines, or lines of JSON."""

    def __init__(self, charset: str, max_bytes: int) -> None:
        self.document = False  # the last value was no event
        self.known = False  # any line had a known form
        self.pending_bytes = 0
        self._max_bytes = max_bytes
        self._charset = charset  # of bytes that are no UTF-8
        self._pending: list[bytes] = []  # lines of an unfinished value
        self._depth = 0  # its open brackets
        self._raw = False  # it is no event
        self._error = False  # the event is named "error"

    @property
    def in_event(self) -> bool:
        """Whether earlier lines change the next one's meaning."""
        return bool(self._pending) or self._error

    def take(self, line: bytes) -> Any:
        """Return the value completed by a line, or _NOTHING. Raises FramingError."""
        if self._pending and self._raw:
            return self._add(line)
        if line.startswith(b"data:"):
            return self._data(line[5:].strip())
        if not line:
            return self._end_event()
        if line[:1] in (b"{", b"[") and not self._pending:
            self.known = self._raw = True
            return self._add(line)
        return self._field(line)

    def _data(self, payload: bytes) -> Any:
        self.known, self._raw = True, False
        payload = payload.removeprefix(b"data:").lstrip()  # some gateways add it twice
        if not payload:
            return _NOTHING
        return self._named_error(payload) if self._error else self._add(payload)

    def _field(self, line: bytes) -> Any:
        name, colon, value = line.partition(b":")
        self.known = self.known or name in FIELDS or (colon == b":" and not name)
        if name == b"event":
            self._error = value.strip() == b"error"
        return self._named_error(value) if name == b"error" and colon else _NOTHING

    def _named_error(self, payload: bytes) -> dict[str, Any]:
        """The payload of an event or a field named "error", in the form of OpenAI's errors."""
        value = self._json(payload)
        if isinstance(value, dict):
            return value if value.get("error") else {"error": value or True}
        return {"error": True}

    def _end_event(self) -> Any:
        if self._pending:
            raise FramingError
        self._error = False
        return _NOTHING

    def _add(self, line: bytes) -> Any:
        """Try each line once alone and each value once whole: the time stays linear."""
        if len(line) > self._max_bytes:
            raise FramingError
        if not self._pending and (value := self._json(line)) is not _NOTHING:
            return value
        self._pending.append(line)
        self.pending_bytes += len(line) + 1  # with its end, so that empty lines count
        self._depth += _depth(line)
        if self._depth > 0:
            return _NOTHING
        whole = b"\n".join(self._pending)
        self._pending, self._depth, self.pending_bytes = [], 0, 0
        value = self._json(whole)
        if value is _NOTHING:
            raise FramingError
        return value

    def _json(self, payload: bytes) -> Any:
        try:
            value = "[DONE]" if _is_done(payload) else _DECODER.decode(self._text(payload))
        except ValueError:
            return _NOTHING
        except RecursionError as error:
            raise FramingError from error
        self.document = self._raw
        return DONE if value == "[DONE]" else value

    def _text(self, payload: bytes) -> str:
        try:
            return payload.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            if not self._charset:
                raise
            return payload.decode(self._charset)


def _is_done(payload: bytes) -> bool:
    """Whether it is [DONE], also without brackets or in small letters."""
    return len(payload) < 16 and payload.strip(b" [];").upper() == b"DONE"


def _depth(line: bytes) -> int:
    """Opened minus closed brackets outside of strings."""
    bare = _STRING.sub(b"", line)
    return bare.count(b"{") + bare.count(b"[") - bare.count(b"}") - bare.count(b"]")


def _charset(content_type: str) -> str:
    """The character set of a content type, if it is one of CHARSETS."""
    name = content_type.lower().partition("charset=")[2].partition(";")[0].strip("\"' ")
    return name if name in CHARSETS else ""

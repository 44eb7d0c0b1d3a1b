"""Server-sent events, as far as language models send them: one `data:` line is one message.

Source of the format: https://html.spec.whatwg.org/multipage/server-sent-events.html. Comments and other
fields are skipped. Pure: bytes in, payloads out.
"""

MAX_LINE_BYTES = 1024 * 1024  # a chunk of text has a few hundred bytes; this is no answer any more


class LineTooLongError(ValueError):
    """The server sends something endless without a line break."""


class Decoder:
    """Cuts a byte stream into the payloads of its `data:` lines, wherever the network cut it."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads that are complete with `data`. Raises LineTooLongError."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            raise LineTooLongError
        return [line[5:].strip() for line in lines if line.startswith(b"data:")]

"""Splits the data of Redis into replies, so that a proxy can drop one of them. Pure: bytes in, replies out.

Source of the format: https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

END = b"\r\n"
BULKS = b"$=!"  # their line has the number of bytes that follow
AGGREGATES = b"*~>%"  # their line has the number of replies that follow; of a map, of pairs


class Splitter:
    """Splits a stream into whole replies, wherever the network split it."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the replies that `data` completes."""
        self._rest += data
        replies = []
        while end := _end_of_reply(self._rest, 0):
            replies.append(self._rest[:end])
            self._rest = self._rest[end:]
        return replies


def is_notification(reply: bytes) -> bool:
    """Return whether the reply is a message of a subscribed channel."""
    return reply[:1] in (b">", b"*") and b"\r\nmessage\r\n" in reply[:24]


def _end_of_reply(data: bytes, start: int) -> int:
    """Return the end of the reply that begins at `start`; 0 while it is incomplete."""
    line_end = data.find(END, start)
    if line_end < 0:
        return 0
    kind, at = data[start : start + 1], line_end + len(END)
    if kind in BULKS:
        size = int(data[start + 1 : line_end])
        at += size + len(END) if size >= 0 else 0
        return at if at <= len(data) else 0
    if kind in AGGREGATES:
        count = int(data[start + 1 : line_end]) * (2 if kind == b"%" else 1)
        for _ in range(count):
            at = _end_of_reply(data, at)
            if not at:
                return 0
    return at

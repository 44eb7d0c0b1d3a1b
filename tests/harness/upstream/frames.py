"""The bytes of a chat completion's stream, in the shape and the size that OpenAI's have."""

import json
import time
from typing import Any

from bench.tokens import token
from tests.harness.upstream.record import Record

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
)
END = b"0\r\n\r\n"
MARK = "TEXT"  # where the text stands in a chunk
CANARY = "heliotrope"  # in each error's text, which no reader, row or log may have


def encoded(value: Any) -> bytes:
    """Return compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def framed(data: bytes) -> bytes:
    """Return one chunk of HTTP."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(payload: bytes) -> bytes:
    """Return one event of the stream, framed."""
    return framed(b"data: %b\n\n" % payload)


def error_body(
    status: int, code: str | None, message: str, kind: str = "", param: str | None = None
) -> dict[str, Any]:
    """Return an error as OpenAI formats it."""
    kind = kind or ("invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": f"{message} {CANARY}", "type": kind, "param": param, "code": code}}


class Frames:
    """The framed chunks of one answer; their common part is encoded once."""

    def __init__(self, record: Record, with_usage: bool) -> None:
        self._shared = {
            "id": record.id,
            "object": "chat.completion.chunk",
            "created": int(record.started_at),
            "model": record.body.get("model"),
            "service_tier": "default",
            "system_fingerprint": "fp_3f58d112f7",
        }
        self._usage = {"usage": None} if with_usage else {}
        self._before, self._after = self._choice({"content": MARK}).split(b'"%b"' % MARK.encode())
        self._stamp_before, self._stamp_after = b'data: %b"' % self._before, b'"%b\n\n' % self._after
        self._stamp_size = len(self._stamp_before + self._stamp_after)

    def _choice(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return encoded(self._shared | {"choices": [choice]} | self._usage)

    def choice(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        """Return a chunk with one choice."""
        return event(self._choice(delta, finish_reason))

    def content(self, text: bytes) -> bytes:
        """Return a chunk with this text between its quotes, whatever its bytes are."""
        return event(b'%b"%b"%b' % (self._before, text, self._after))

    def broken(self) -> bytes:
        """Return a chunk that stops inside a string."""
        return event(self._before + b'"bro')

    def stamped(self, number: int) -> bytes:
        """Return a token of the benchmark, stamped now; its CPU is taken from what the benchmark measures."""
        text = token(number, time.monotonic()).encode()
        size = self._stamp_size + len(text)
        return b"%x\r\n%b%b%b\r\n" % (size, self._stamp_before, text, self._stamp_after)

    def usage(self, prompt_tokens: int, reasoning_tokens: int, tokens: int) -> bytes:
        """Return the chunk with the usage: a word is a token."""
        usage = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": tokens,
            "total_tokens": prompt_tokens + tokens,
            "completion_tokens_details": {"reasoning_tokens": reasoning_tokens},
        }
        return event(encoded(self._shared | {"choices": [], "usage": usage}))

"""The bytes of a chat completion's stream, as OpenAI sends them."""

import json
from typing import Any

DONE = b"[DONE]"


def quoted(text: str) -> bytes:
    """Return a JSON string in plain UTF-8, or in escapes where UTF-8 has no form for it (lone surrogates)."""
    try:
        return json.dumps(text, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(text).encode()


def encoded(value: Any) -> bytes:
    """Return compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def error_body(status: int, code: str, message: str) -> dict[str, Any]:
    """Return an error as OpenAI formats it."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


class Frames:
    """The chunks of one answer; their common part is encoded once."""

    def __init__(self, answer_id: str, model: str, created: int, with_usage: bool) -> None:
        head = {"id": answer_id, "object": "chat.completion.chunk", "created": created, "model": model}
        self._head = encoded(head)[:-1]
        self._tail = b',"usage":null}' if with_usage else b"}"
        self._content = self._head + b',"choices":[{"index":0,"delta":{"content":'
        self._reasoning = self._head + b',"choices":[{"index":0,"delta":{"reasoning_content":'
        self._open = b'},"finish_reason":null}]' + self._tail

    def role(self) -> bytes:
        """Return the first chunk, with the role."""
        return self._content.removesuffix(b'"content":') + b'"role":"assistant","content":""' + self._open

    def content(self, text: str) -> bytes:
        """Return a chunk of the answer."""
        return self._content + quoted(text) + self._open

    def reasoning(self, text: str) -> bytes:
        """Return a chunk of the reasoning."""
        return self._reasoning + quoted(text) + self._open

    def finish(self, reason: str) -> bytes:
        """Return the chunk with the finish reason."""
        choice = b',"choices":[{"index":0,"delta":{},"finish_reason":"%s"}]'
        return self._head + choice % reason.encode() + self._tail

    def usage(self, prompt_tokens: int, reasoning_tokens: int, content_tokens: int) -> bytes:
        """Return the chunk with the usage: a word is a token here."""
        completion_tokens = reasoning_tokens + content_tokens
        figures = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
            "completion_tokens_details": {"reasoning_tokens": reasoning_tokens},
        }
        return self._head + b',"choices":[],"usage":' + encoded(figures) + b"}"

    def broken_json(self) -> bytes:
        """Return a chunk that stops in the middle of a string."""
        return self._content + b'"bro'

    def broken_utf8(self) -> bytes:
        """Return a chunk whose text is not UTF-8: a lead byte without its tail, and a stray tail."""
        return self._content + b'"\xe6\xb0 \x80"' + self._open

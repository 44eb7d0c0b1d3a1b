"""A fast scripted model server: `POST /v1/chat/completions` streams stamped tokens at an even rate.

The model's name is the script: `bench-<tokens>@<tokens per second>`. What it sends has the shape and the size
of what OpenAI sends, one chunk of HTTP per token. It speaks just enough HTTP for that, on a bare protocol:
its own CPU is taken from the same cores as what it measures.
"""

import argparse
import asyncio
import json
import re
import signal
import time

from bench.tokens import token

HOST = "127.0.0.1"
MARK = "TEXT"  # where the token stands in a chunk
SCRIPT = re.compile(r"bench-(?P<tokens>\d+)@(?P<rate>[\d.]+)")
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
)
REFUSAL = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def script_of(tokens: int, rate: float) -> str:
    """The name of the model that answers with so many tokens, so many a second."""
    return f"bench-{tokens}@{rate:g}"


class Upstream(asyncio.Protocol):
    """One connection: a request, its answer, the next request."""

    def __init__(self) -> None:
        self._received = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone: nothing more is sent."""
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer a request as soon as it is whole."""
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length:\s*(\d+)", head)
        if not end or length is None or len(rest) < int(length[1]):
            return
        self._received = rest[int(length[1]) :]
        self._answer(json.loads(rest[: int(length[1])])["model"])

    def _answer(self, model: str) -> None:
        script = SCRIPT.fullmatch(model)
        if script is None:
            self._transport.write(REFUSAL)
            return
        self._chunks = Chunks(model)
        self._count, self._pause = int(script["tokens"]), 1 / float(script["rate"])
        self._sent, self._begun = 0, asyncio.get_running_loop().time()
        self._transport.write(HEAD + _event(self._chunks.choice({"role": "assistant", "content": ""})))
        self._before, self._after = _sse(self._chunks.choice({"content": MARK})).split(MARK)
        self._say()

    def _say(self) -> None:
        """Send the next token; those that are late are sent one by one all the same."""
        text = token(self._sent, time.monotonic())
        self._transport.write(_framed(f"{self._before}{text}{self._after}"))
        self._sent += 1
        if self._sent < self._count:
            due = self._begun + self._sent * self._pause
            self._timer = asyncio.get_running_loop().call_at(due, self._say)
        else:
            self._end()

    def _end(self) -> None:
        finish, usage = self._chunks.choice({}, finish_reason="stop"), self._chunks.usage(self._count)
        self._transport.write(_event(finish) + _event(usage) + _event("[DONE]") + b"0\r\n\r\n")


class Chunks:
    """The chunks of one answer, as OpenAI words them."""

    def __init__(self, model: str) -> None:
        self._shared = {
            "id": "chatcmpl-DkPz3QvXw0b6JtYHn2sRmEoUaLf19",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
            "service_tier": "default",
            "system_fingerprint": "fp_3f58d112f7",
        }

    def choice(self, delta: dict[str, str], finish_reason: str | None = None) -> str:
        """A piece of the answer."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return _dumps(self._shared | {"choices": [choice], "usage": None})

    def usage(self, tokens: int) -> str:
        """The count at the end."""
        usage = {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": tokens + 1}
        return _dumps(self._shared | {"choices": [], "usage": usage})


def _dumps(value: dict[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _event(payload: str) -> bytes:
    return _framed(_sse(payload))


def _sse(payload: str) -> str:
    return f"data: {payload}\n\n"


def _framed(text: str) -> bytes:
    data = text.encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


async def serve(port: int) -> None:
    """Answer on loopback until SIGTERM."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(Upstream, HOST, port, backlog=4096)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The scripted model server of the benchmark.")
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(serve(parser.parse_args().port))

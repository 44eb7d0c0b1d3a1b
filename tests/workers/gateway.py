"""A model's server of one test: each request gets the next reply, byte for byte."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from project.up import ports

ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    b'data: {"choices":[{"delta":{"content":"fine"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
)


@dataclass
class Asked:
    """One request; names of headers in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: Any


@dataclass
class Gateway:
    """Its address and its requests so far."""

    base_url: str = ""
    asked: list[Asked] = field(default_factory=list)


def reply(status: int, body: Any = b"", **headers: str) -> bytes:
    """A reply of JSON, or of bytes as they are."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"Content-Length": str(len(content)), "Connection": "close", **headers}
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


@asynccontextmanager
async def gateway(*replies: bytes, path: str = "/v1", together: int = 1) -> AsyncIterator[Gateway]:
    """Serve the replies in order, and the last one from then on; the first `together` requests at once."""
    running, turn, arrived = Gateway(), _endless(replies), asyncio.Event()
    writers: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        running.asked.append(await _read(reader))
        if len(running.asked) >= together:
            arrived.set()
        await arrived.wait()
        with suppress(OSError):
            writer.write(next(turn))
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, ports.HOST) as server:
        running.base_url = f"http://{ports.HOST}:{server.sockets[0].getsockname()[1]}{path}"
        try:
            yield running
        finally:
            arrived.set()
            for writer in writers:
                with suppress(OSError):
                    await writer.wait_closed()


def _endless(replies: tuple[bytes, ...]) -> Iterator[bytes]:
    yield from replies
    while True:
        yield replies[-1]


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, target, headers, json.loads(body) if body else None)

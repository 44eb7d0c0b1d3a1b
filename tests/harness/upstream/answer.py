"""One answer on the wire: a behaviour, played on an absolute schedule."""

import asyncio
import re
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from aiohttp import web

from tests.harness.upstream.behaviour import Behaviour, pieces
from tests.harness.upstream.frames import DONE, Frames, encoded, error_body
from tests.harness.upstream.record import Record
from tests.harness.upstream.texts import numbered

FAULT_PAUSE_SECS = 0.02  # before a fault, so that a reset discards nothing sent before
SPLIT_PAUSE_SECS = 0.005  # between the parts of a character, so that they are read apart
COMMENTS_PER_SEC = 10.0
MEGABYTE = 1024 * 1024
BLOCK = b"x" * (64 * 1024)
KEEP_ALIVES = (
    b": ping\n\n\nevent: ping\n\ndata:\n\ndata\n\ndata: {}\n\n"
    b'data: {"choices":[]}\n\ndata: {"choices":[{"index":0,"delta":{}}]}\n\n'
    b'data: {"choices":[{"index":0,"delta":{"content":""},"finish_reason":null}],"usage":null}\n\n'
)
CHARACTER_START = re.compile(rb"(?<=[\xc2-\xf4])")  # behind each lead byte of a character of many bytes


class Answer:
    """Streams one answer; `record` counts its chunks, `released` ends a hold."""

    def __init__(
        self, request: web.Request, behaviour: Behaviour, record: Record, released: asyncio.Event
    ) -> None:
        self.request = request
        self.behaviour = behaviour
        self.record = record
        self.released = released
        self.with_usage = behaviour.usage and include_usage(record.body)
        self.frames = Frames(record.id, record.model, int(record.started_at), self.with_usage)
        self.response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        self.started = 0.0

    async def play(self) -> web.StreamResponse:
        """Send the whole script; return when it is over, or be cancelled when the client leaves."""
        if self.behaviour.fault == "no-reply":
            await for_ever()
        if self.behaviour.fault == "html":
            self.record.finish()
            return web.Response(text="<!doctype html><title>Bad gateway</title>", content_type="text/html")
        await self.response.prepare(self.request)
        if self.behaviour.start:
            await self.response.write(self.behaviour.start)
        self.started = asyncio.get_running_loop().time() + self.behaviour.wait_secs
        await WHOLE_SCRIPTS.get(self.behaviour.fault, Answer.stream)(self)
        self.record.finish()
        return self.response

    async def stream(self) -> None:
        """Send the text, with the fault in its place, and the end."""
        if not self.behaviour.start:
            await self.event(self.frames.role())
        chunks = list(self.chunks())
        before = min(self.behaviour.after, len(chunks))
        await self.send_chunks(chunks[:before])
        if await self.play_fault():
            return
        await self.send_chunks(chunks[before:])
        await self.until(len(chunks))
        await self.end()

    async def send_chunks(self, chunks: list[bytes]) -> None:
        """Send chunks of text, each at its time."""
        for chunk in chunks:
            await self.until(self.record.chunks)
            await self.event(chunk)
            self.record.chunks += 1

    def chunks(self) -> Iterator[bytes]:
        """Return the chunks that carry text."""
        for word in numbered("r", self.behaviour.reasoning):
            yield self.frames.reasoning(word)
        for piece in self.pieces():
            yield self.frames.content(piece)

    def pieces(self) -> list[str]:
        """Return the text in pieces; after a prefill of the assistant, those that it does not contain yet."""
        cut = pieces(self.behaviour, last_text(self.record.messages, "user"))
        prefill = last_text(self.record.messages[-1:], "assistant")
        sent = ""
        while cut and len(sent) < len(prefill) and prefill.startswith(sent + cut[0]):
            sent += cut.pop(0)
        return cut

    async def end(self) -> None:
        """Send the reason, the usage and [DONE]."""
        await self.event(self.frames.finish(self.behaviour.finish_reason))
        if self.behaviour.fault == "stall-last":
            await for_ever()
        if self.with_usage:
            content_tokens = self.record.chunks - self.behaviour.reasoning
            prompt_tokens = sum(len(text_in(message).split()) for message in self.record.messages)
            await self.event(self.frames.usage(prompt_tokens, self.behaviour.reasoning, content_tokens))
        await self.event(DONE)
        if self.behaviour.fault == "stall-done":
            await for_ever()

    async def play_fault(self) -> bool:
        """Play the fault, if there is one that comes in the stream. Return whether it ends the stream."""
        fault = FAULTS.get(self.behaviour.fault)
        if fault is None:
            return False
        await self.until(self.record.chunks)
        await asyncio.sleep(FAULT_PAUSE_SECS)
        return await fault(self)

    async def until(self, due: int) -> None:
        """Wait for the time of the `due`th chunk (from 0); without a rate, yield to other tasks."""
        rate = self.behaviour.rate
        at = self.started + (due / rate if rate else 0)
        await asyncio.sleep(max(0.0, at - asyncio.get_running_loop().time()))

    async def event(self, data: bytes) -> None:
        """Send one event of the stream, in the behaviour's form."""
        newline, field_name = self.behaviour.newline, self.behaviour.field_name
        if self.behaviour.keep_alives:
            await self.send(KEEP_ALIVES)
        lines = [b"{", data[1:-1], b"}"] if self.behaviour.many_lines and data.startswith(b"{") else [data]
        await self.send(b"".join(field_name + line + newline for line in lines) + newline)

    async def send(self, data: bytes) -> None:
        """Write, or write with each character of many bytes cut in two."""
        if not self.behaviour.split:
            await self.response.write(data)
            return
        for part in CHARACTER_START.split(data):
            await self.response.write(part)
            await asyncio.sleep(SPLIT_PAUSE_SECS)

    async def hold(self) -> bool:
        """Send nothing until the test releases the rest."""
        await self.released.wait()
        return False

    async def stall(self) -> bool:
        """Send nothing more."""
        await for_ever()
        return True

    async def cut(self) -> bool:
        """End the body regularly."""
        self.response.force_close()
        return True

    async def drop(self) -> bool:
        """Close the connection inside the body."""
        self.record.finish()  # before the closed connection cancels us
        self.transport().close()
        await for_ever()
        return True

    async def reset(self) -> bool:
        """Reset the connection."""
        self.record.finish()
        transport = self.transport()
        linger = struct.pack("ii", 1, 0)  # on, for 0 s: close() sends RST
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
        await for_ever()
        return True

    async def break_json(self) -> bool:
        """Send an event that is not JSON, and go on."""
        await self.event(self.frames.broken_json())
        return False

    async def break_utf8(self) -> bool:
        """Send an event that is not UTF-8, and go on."""
        await self.event(self.frames.broken_utf8())
        return False

    async def send_error(self) -> bool:
        """Send an error where a chunk is expected."""
        await self.event(encoded(error_body(500, "server_error", "The scripted upstream fails here.")))
        await self.event(DONE)
        return True

    async def send_comments(self) -> bool:
        """Send comments for ever."""
        newline = self.behaviour.newline
        while True:
            await self.response.write(b": keep-alive" + newline + newline)
            await asyncio.sleep(1 / (self.behaviour.rate or COMMENTS_PER_SEC))

    async def send_empty_chunks(self) -> bool:
        """Send chunks without text for ever."""
        while True:
            await self.event(self.frames.content(""))
            await asyncio.sleep(1 / (self.behaviour.rate or COMMENTS_PER_SEC))

    async def send_huge_line(self) -> None:
        """Send one line that does not end, as far as the client reads it."""
        await self.response.write(b"data: ")
        for _ in range(self.behaviour.after * MEGABYTE // len(BLOCK)):
            await self.response.write(BLOCK)
            self.record.chunks += 1

    def transport(self) -> asyncio.Transport:
        """Return the connection."""
        transport = self.request.transport
        assert isinstance(transport, asyncio.Transport), "the connection closed before its fault"
        return transport


WHOLE_SCRIPTS: dict[str, Callable[[Answer], Awaitable[Any]]] = {
    "stall-first": Answer.stall,
    "comments-only": Answer.send_comments,
    "huge-line": Answer.send_huge_line,
}
FAULTS: dict[str, Callable[[Answer], Awaitable[bool]]] = {
    "hold": Answer.hold,
    "stall": Answer.stall,
    "cut": Answer.cut,
    "drop": Answer.drop,
    "reset": Answer.reset,
    "bad-json": Answer.break_json,
    "bad-utf8": Answer.break_utf8,
    "error-in-stream": Answer.send_error,
    "comments": Answer.send_comments,
    "empty": Answer.send_empty_chunks,
}


async def for_ever() -> None:
    """Wait until the client disconnects, which cancels this."""
    await asyncio.get_running_loop().create_future()


def include_usage(body: dict[str, Any]) -> bool:
    """Return whether the client asked for the usage chunk."""
    return bool((body.get("stream_options") or {}).get("include_usage"))


def text_in(message: dict[str, Any]) -> str:
    """Return a message's text, of a plain string or of parts."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def last_text(messages: list[dict[str, Any]], role: str) -> str:
    """Return the text of the last message of a role, or the empty string."""
    return next((text_in(message) for message in reversed(messages) if message.get("role") == role), "")

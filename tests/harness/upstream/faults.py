"""The faults of an answer: each plays on a `Wire`, and returns whether it ended the answer."""

import math
import socket
import struct
from asyncio import Transport, get_running_loop
from collections.abc import Callable, Generator
from dataclasses import dataclass

from tests.harness.upstream.frames import END, Frames, encoded, error_body, event, framed
from tests.harness.upstream.record import Record
from tests.harness.upstream.script import Script

NEVER = math.inf
FULL_PAUSE_SECS = 0.001  # while the client reads more slowly than is sent
COMMENTS_PER_SEC = 10.0
BLOCK = framed(b"x" * (64 * 1024))
BLOCKS_PER_MEGABYTE = 16

Steps = Generator[float, None, bool]  # yields the moment to continue (seconds of the loop's clock), or NEVER


@dataclass
class Wire:
    """One answer under way."""

    script: Script
    record: Record
    transport: Transport
    frames: Frames
    is_held: bool = False
    is_released: bool = False

    def write(self, data: bytes) -> None:
        """Send."""
        self.transport.write(data)

    def after(self, secs: float) -> float:
        """Return the moment in so many seconds."""
        return get_running_loop().time() + secs


def hold(wire: Wire) -> Steps:
    """Send nothing until the test releases the rest."""
    if not wire.is_released:
        wire.is_held = True
        yield NEVER
    return False


def stall(_: Wire) -> Steps:
    """Send nothing more."""
    yield NEVER
    return True


def cut(wire: Wire) -> Steps:
    """End the body regularly."""
    wire.write(END)
    yield from ()
    return True


def drop(wire: Wire) -> Steps:
    """Close the connection inside the body."""
    wire.record.end(finished=True)  # before the lost connection aborts it
    wire.transport.close()
    yield NEVER
    return True


def reset(wire: Wire) -> Steps:
    """Reset the connection."""
    wire.record.end(finished=True)
    linger = struct.pack("ii", 1, 0)  # on, for 0 s: close() sends RST
    wire.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    wire.transport.abort()
    yield NEVER
    return True


def bad_json(wire: Wire) -> Steps:
    """Send an event that is not JSON."""
    wire.write(wire.frames.broken())
    yield from ()
    return False


def bad_utf8(wire: Wire) -> Steps:
    """Send an event that is not UTF-8: a lead byte without its rest, and a rest without its lead byte."""
    wire.write(wire.frames.content(b"\xe6\xb0 \x80"))
    yield from ()
    return False


def error_in_stream(wire: Wire) -> Steps:
    """Send an error where a chunk is expected."""
    body = error_body(500, "server_error", "The scripted upstream fails here.")
    wire.write(event(encoded(body)) + event(b"[DONE]") + END)
    yield from ()
    return True


def comments(wire: Wire) -> Steps:
    """Send comments for ever."""
    return (yield from _repeat(wire, framed(b": keep-alive\n\n")))


def empty(wire: Wire) -> Steps:
    """Send chunks without text for ever."""
    return (yield from _repeat(wire, wire.frames.content(b"")))


def _repeat(wire: Wire, data: bytes) -> Steps:
    while True:
        wire.write(data)
        yield wire.after(1 / (wire.script.rate or COMMENTS_PER_SEC))


def huge_line(wire: Wire) -> Steps:
    """Send one line of megabytes, no faster than the client reads."""
    wire.write(framed(b"data: "))
    for _ in range(wire.script.after * BLOCKS_PER_MEGABYTE):
        wire.write(BLOCK)
        yield wire.after(0)  # a lost connection is noticed
        while wire.transport.get_write_buffer_size():
            yield wire.after(FULL_PAUSE_SECS)
    wire.write(END)
    return True


Fault = Callable[[Wire], Steps]

INSTEAD: dict[str, Fault] = {"stall-first": stall, "comments-only": comments, "huge-line": huge_line}
INSIDE: dict[str, Fault] = {
    "hold": hold,
    "stall": stall,
    "cut": cut,
    "drop": drop,
    "reset": reset,
    "bad-json": bad_json,
    "bad-utf8": bad_utf8,
    "error-in-stream": error_in_stream,
    "failed": error_in_stream,
    "comments": comments,
    "empty": empty,
}

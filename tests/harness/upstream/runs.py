"""Runs of the Responses API: one in background continues without a connection, for other ones to follow."""

import math
import socket
import struct
from asyncio import TimerHandle, Transport, get_running_loop
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.harness.upstream.frames import END, HEAD, encoded, framed
from tests.harness.upstream.record import Record
from tests.harness.upstream.response_events import Events
from tests.harness.upstream.script import Script

NEVER = math.inf
PAUSE_SECS = 0.02  # before a fault: a reset discards nothing that was sent before
FAILURE = {"type": "error", "code": "server_error", "message": "It fails here.", "param": None}
BROKEN = {
    "bad-json": framed(b'data: {"type":"response.output_text.delta","delta":"bro\n\n'),
    "bad-utf8": framed(b'data: {"type":"response.output_text.delta","delta":"\xe6\xb0 \x80"}\n\n'),
}

Moments = Iterator[float]  # when to continue, in seconds of the loop's clock; NEVER waits for a release


@dataclass
class Viewer:
    """A connection that follows a run."""

    run: "Run"
    transport: Transport
    on_end: Callable[[], None]

    def abort(self) -> None:
        """The client disconnected."""
        self.run.leave(self)


class Run:
    """One response, played on a schedule; the first viewer is the connection that asked for it."""

    def __init__(self, script: Script, label: str, record: Record) -> None:
        body = record.body
        self.script, self.record = script, record
        self.is_background = body.get("background") is True and body.get("store") is not False
        self._events = Events(script, record, label, self.is_background)
        self._sent: list[bytes] = []
        self._viewers: list[Viewer] = []
        self._asking: Viewer | None = None
        self._timer: TimerHandle | None = None
        self._steps = self._play()
        self._is_held = self._is_released = self.is_over = False

    def begin(self, viewer: Viewer) -> None:
        """Begin, with the connection that asked."""
        self._asking = viewer
        if self.script.fault != "no-reply":
            self.follow(viewer)
        self._advance()

    def follow(self, viewer: Viewer, after: int = -1) -> None:
        """Send the events after a number, and those to come."""
        viewer.transport.write(HEAD + b"".join(self._sent[after + 1 :]))
        self._viewers.append(viewer)
        if self.is_over:
            self._end_viewers()

    def leave(self, viewer: Viewer) -> None:
        """A viewer's connection is lost; a run that is not in background ends with the one that asked."""
        if viewer in self._viewers:
            self._viewers.remove(viewer)
        if viewer is self._asking and not self.is_background:
            self._stop(finished=False)

    def cancel(self) -> dict[str, Any]:
        """Stop; return the object."""
        if not self.is_over:
            self._events.status = "cancelled"
            self._stop(finished=False)
            self._end_viewers()
        return self.response()

    def response(self) -> dict[str, Any]:
        """Return the object."""
        return self._events.response()

    def release(self) -> None:
        """End the hold, also one that is still to come."""
        self._is_released = True
        if self._is_held:
            self._is_held = False
            self._advance()

    def _advance(self) -> None:
        due = next(self._steps, None)
        if due is None:
            self._stop(finished=True)
            self._end_viewers()
        elif due < NEVER:
            self._timer = get_running_loop().call_at(due, self._advance)

    def _stop(self, *, finished: bool) -> None:
        self.is_over = True
        self.record.end(finished=finished)
        if self._timer is not None:
            self._timer.cancel()

    def _end_viewers(self) -> None:
        viewers, self._viewers = self._viewers, []
        for viewer in viewers:
            viewer.transport.write(END)
            viewer.on_end()

    def _send(self, event: dict[str, Any]) -> None:
        numbered = {**event, "sequence_number": len(self._sent)}
        data = framed(b"event: %b\ndata: %b\n\n" % (event["type"].encode(), encoded(numbered)))
        self._sent.append(data)
        self._write(data)

    def _write(self, data: bytes) -> None:
        for viewer in self._viewers:
            viewer.transport.write(data)

    def _play(self) -> Moments:
        script, begun = self.script, get_running_loop().time() + self.script.wait_secs
        self._send(self._events.of_response("created"))
        if script.fault in ("no-reply", "stall-first"):
            yield NEVER
        self._send(self._events.of_response("in_progress"))
        pause, words = 1 / script.rate if script.rate else 0, 0
        for event in self._events.all():
            if isinstance(event, dict):
                self._send(event)
                continue
            yield begun + words * pause
            if words == script.after and script.fault:
                yield get_running_loop().time() + PAUSE_SECS
                yield from self._fault()
                if self.is_over:
                    return
            words += 1
            self._events.tokens = self.record.chunks = words
        self._send(
            self._events.of_response("incomplete" if script.finish_reason == "length" else "completed")
        )

    def _fault(self) -> Moments:
        """Play the script's fault; the run may be over then."""
        fault, asking = self.script.fault, self._asking
        assert asking is not None
        if fault == "hold":
            self._is_held = not self._is_released
            if self._is_held:
                yield NEVER
        elif fault == "stall" and not self.is_background:
            yield NEVER
        elif fault in ("stall", "cut", "drop", "reset"):
            self._viewers = [viewer for viewer in self._viewers if viewer is not asking]
            if not self.is_background:
                self._stop(finished=True)
            _break(fault, asking)
        elif fault in BROKEN:
            self._write(BROKEN[fault])
        else:
            failed = fault == "failed"
            self._send(self._events.of_response("failed") if failed else FAILURE)
            self._stop(finished=True)
            self._end_viewers()


def _break(fault: str, viewer: Viewer) -> None:
    if fault == "cut":
        viewer.transport.write(END)
        viewer.on_end()
    elif fault == "drop":
        viewer.transport.close()
    elif fault == "reset":
        linger = struct.pack("ii", 1, 0)  # on, for 0 s: close() sends RST
        viewer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        viewer.transport.abort()

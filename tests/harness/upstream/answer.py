"""One answer on the wire: a script, played on an absolute schedule.

A generator and timers instead of a task: the benchmark sends thousands of tokens a second through here.
"""

import re
from asyncio import TimerHandle, Transport, get_running_loop
from collections.abc import Callable
from typing import Any

from tests.harness.upstream.demands import demanded_call, demanded_value
from tests.harness.upstream.faults import INSIDE, INSTEAD, NEVER, Steps, Wire
from tests.harness.upstream.frames import END, HEAD, Frames, encoded, event
from tests.harness.upstream.record import Record
from tests.harness.upstream.script import Script, numbered

FAULT_PAUSE_SECS = 0.02  # before a fault: a reset discards nothing that was sent before
SPLIT_PAUSE_SECS = 0.005  # between the parts of a character: they are read separately
LEAD_BYTE = re.compile(rb"(?<=[\xc2-\xf4])")  # the first of a character of several

Chunk = Callable[[int], bytes]


class Answer:
    """Plays one answer; `on_end` is called when the next request may come."""

    def __init__(
        self, script: Script, label: str, record: Record, transport: Transport, on_end: Callable[[], None]
    ) -> None:
        has_usage = script.usage and bool((record.body.get("stream_options") or {}).get("include_usage"))
        self._wire = Wire(script, record, transport, Frames(record, has_usage))
        self._steps = _play(self._wire, label, has_usage=has_usage)
        self._on_end = on_end
        self._timer: TimerHandle | None = None
        self._call_at = get_running_loop().call_at

    def advance(self) -> None:
        """Send until the script waits."""
        due = next(self._steps, None)
        if due is None:
            self._wire.record.end(finished=True)
            self._on_end()
        elif due < NEVER:
            self._timer = self._call_at(due, self.advance)

    def release(self) -> None:
        """End the hold, also one that is still to come."""
        self._wire.is_released = True
        if self._wire.is_held:
            self._wire.is_held = False
            self.advance()

    def abort(self) -> None:
        """Stop: the client disconnected."""
        self._wire.record.end(finished=False)
        if self._timer is not None:
            self._timer.cancel()


def _play(wire: Wire, label: str, *, has_usage: bool) -> Steps:
    fault = wire.script.fault
    if fault == "no-reply":
        yield NEVER
    wire.write(HEAD)
    if fault in INSTEAD:
        return (yield from INSTEAD[fault](wire))
    wire.write(wire.frames.choice({"role": "assistant", "content": ""}))
    call = _call(wire, label)
    if call is not None:
        wire.write(wire.frames.choice({"tool_calls": [call]}, "tool_calls"))
        wire.write(event(b"[DONE]"))
        wire.write(END)
        return True
    is_over = yield from _send_text(wire, *_chunks(wire, label))
    if not is_over:
        yield from _finish(wire, has_usage=has_usage)
    return True


def _call(wire: Wire, label: str) -> dict[str, Any] | None:
    if wire.record.messages[-1]["role"] == "tool":
        return None
    called = (wire.script.tool, {"title": label}) if wire.script.tool else demanded_call(wire.record.body)
    if called is None:
        return None
    function = {"name": called[0], "arguments": encoded(called[1]).decode()}
    return {"index": 0, "id": f"call_{wire.record.id}", "type": "function", "function": function}


def _send_text(wire: Wire, count: int, chunk: Chunk) -> Steps:
    """Send the chunks with text, with the fault in its place; return whether that was the end."""
    script, record, write = wire.script, wire.record, wire.transport.write
    fault_at = min(script.after, count) if script.fault in INSIDE else None
    begun, pause = wire.after(script.wait_secs), 1 / script.rate if script.rate else 0
    for number in range(count + 1):
        yield begun + number * pause
        if number == fault_at:
            yield wire.after(FAULT_PAUSE_SECS)
            if (yield from INSIDE[script.fault](wire)):
                return True
        if number == count:
            break
        if script.text == "characters":
            yield from _send_split(wire, chunk(number))
        else:
            write(chunk(number))
        record.chunks += 1
    return False


def _send_split(wire: Wire, data: bytes) -> Steps:
    """Send a chunk with each character of several bytes cut in two."""
    for part in LEAD_BYTE.split(data):
        wire.write(part)
        yield wire.after(SPLIT_PAUSE_SECS)
    return False


def _finish(wire: Wire, *, has_usage: bool) -> Steps:
    """Send the finish reason, the usage and [DONE]."""
    wire.write(wire.frames.choice({}, wire.script.finish_reason))
    if wire.script.fault == "stall-last":
        yield NEVER
    if has_usage:
        prompt_tokens = sum(len(str(message["content"]).split()) for message in wire.record.messages)
        wire.write(wire.frames.usage(prompt_tokens, wire.script.reasoning, wire.record.chunks))
    wire.write(event(b"[DONE]"))
    if wire.script.fault == "stall-done":
        yield NEVER
    wire.write(END)
    return True


def _chunks(wire: Wire, label: str) -> tuple[int, Chunk]:
    """Return the number of chunks with text, and a function that returns one of them, framed."""
    script, frames = wire.script, wire.frames
    if script.text == "stamped":
        return script.count, frames.stamped
    value = demanded_value(wire.record.body)
    texts = script.pieces(label) if value is None else [encoded(value).decode()]
    pieces = _without(texts, wire.record)

    def chunk(number: int) -> bytes:
        if number < script.reasoning:
            return frames.choice({"reasoning_content": reasons[number]})
        return frames.content(encoded(pieces[number - script.reasoning])[1:-1])

    reasons = numbered("r", script.reasoning)
    return script.reasoning + len(pieces), chunk


def _without(pieces: list[str], record: Record) -> list[str]:
    """Return the pieces that a last message of the assistant does not contain yet."""
    last, sent = (record.messages or [{}])[-1], ""
    prefill = last["content"] if last.get("role") == "assistant" else ""
    while pieces and len(sent) < len(prefill) and prefill.startswith(sent + pieces[0]):
        sent += pieces.pop(0)
    return pieces

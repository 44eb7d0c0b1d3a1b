"""Publishes what the models say: coalesce, append to the log, then hint over the channel layer.

arrow in: `generation` writes text as it comes · arrow out: the log, and `chat/transport/notifications.py`

One ticker serves all answers of the process. Each tick is one round trip to the log and one to the layer,
however many answers have text. The first text of an answer does not wait for the tick. Between two ticks
nothing is read, either (`pace`): what a model says meanwhile is read and decoded in one go.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from chat.protocol.events import Event, encode
from chat.protocol.state import ResponseState, Wait
from chat.transport.event_log import Append, Batch, Log, LogError
from chat.transport.notifications import notify_readers

logger = logging.getLogger(__name__)

MIN_WINDOW_SECS = 0.008  # one answer alone is hardly held back
WINDOW_SECS_PER_ANSWER = 0.0012  # the more answers, the more text shares a frame: 68 ms at 50
MAX_WINDOW_SECS = 0.080  # text that comes in steps of more looks halting
MAX_PERIOD_SECS = 0.110  # from tick to tick: the longer they take, the less is waited between them
AGAIN_SECS = 0.5  # between tries while Redis is away
READ_SECS = 0.5  # a tick that hangs longer does not keep the models waiting


@dataclass(slots=True, eq=False)
class Stream:
    """One running answer: `draft` is what it adds up to, `fenced` is called when it is ours no more."""

    draft: ResponseState
    fenced: Callable[[], object]
    waits: list[Wait] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    unsent: Batch | None = None

    @property
    def is_behind(self) -> bool:
        """Whether something was written that is in no batch yet."""
        return bool(self.waits or self.text or self.reasoning)

    def batch(self) -> Batch:
        """What stands to be appended: an earlier batch that did not get through, else what is new.

        Waits come first: after the first text nobody asks again.
        """
        if self.unsent is None:
            first = self.draft.next
            events = [self.draft.wait(wait) for wait in self.waits]
            events += self.draft.add("".join(self.text), "".join(self.reasoning))
            self.waits, self.text, self.reasoning = [], [], []
            self.unsent = self.encoded(first, events)
        return self.unsent

    def encoded(self, first: int, events: list[Event]) -> Batch:
        """The events as a batch of this answer's log."""
        return Batch(self.draft.base["id"], first, [encode(event) for event in events])


def window(answers: int, tick_secs: float) -> float:
    """The seconds to wait until the next tick, with so many answers and after a tick that took so long."""
    room = max(MIN_WINDOW_SECS, MAX_PERIOD_SECS - tick_secs)
    return min(MIN_WINDOW_SECS + WINDOW_SECS_PER_ANSWER * answers, MAX_WINDOW_SECS, room)


class Publisher:
    """Takes the text of all running answers of this process to the log and to their readers."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._open: set[Stream] = set()
        self._dirty: dict[Stream, None] = {}
        self._wanted, self._urgent = asyncio.Event(), asyncio.Event()  # a tick; one at once
        self._ticked = asyncio.Condition()
        self._gate = asyncio.Event()  # those who wait to read, until the next tick
        self._gate_timer: asyncio.TimerHandle | None = None  # while anybody waits

    def open(self, draft: ResponseState, fenced: Callable[[], object]) -> Stream:
        """Begin to publish an answer."""
        stream = Stream(draft, fenced)
        self._open.add(stream)
        return stream

    def write(self, stream: Stream, text: str = "", reasoning: str = "") -> None:
        """Take text in; it goes out with the next tick, the first text of an answer at once."""
        if text:
            stream.text.append(text)
        if reasoning:
            stream.reasoning.append(reasoning)
        self._mark(stream, urgent=not stream.draft.items)

    def wait(self, stream: Stream, wait: Wait) -> None:
        """Tell the readers, at once, that the model is asked again later; only before the text."""
        stream.waits.append(wait)
        self._mark(stream, urgent=True)

    async def pace(self) -> None:
        """Wait until the next tick is about to begin: then read, and what is read goes out with it."""
        if self._gate_timer is None:
            self._gate_timer = asyncio.get_running_loop().call_later(READ_SECS, self._let_read)
        self._wanted.set()
        await self._gate.wait()

    async def flush(self, stream: Stream) -> None:
        """Wait until everything that was written is in the log."""
        self._urgent.set()
        async with self._ticked:
            await self._ticked.wait_for(lambda: stream not in self._dirty)

    def close(self, stream: Stream) -> None:
        """Publish no more of this answer."""
        self._open.discard(stream)
        self._dirty.pop(stream, None)

    def _mark(self, stream: Stream, *, urgent: bool) -> None:
        self._dirty[stream] = None
        self._wanted.set()
        if urgent:
            self._urgent.set()

    async def run(self) -> None:
        """Tick for ever."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            self._urgent.clear()
            begun = time.monotonic()
            self._let_read()
            await asyncio.sleep(0)  # those who wait come first, and write
            try:
                failed = await self._tick() if self._dirty else False
                pause = AGAIN_SECS if failed else window(len(self._open), time.monotonic() - begun)
            except LogError as error:
                logger.warning("the log is away, trying again: %s", type(error).__name__)
                pause = AGAIN_SECS
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._urgent.wait()

    def _let_read(self) -> None:
        if self._gate_timer is not None:
            self._gate_timer.cancel()
            self._gate_timer = None
            self._gate.set()
            self._gate.clear()

    async def _tick(self) -> bool:
        """1. Append what every answer has. 2. Hint at what was appended. 3. See to what was not.

        True: Redis would not take something that it may take later.
        """
        try:
            streams = list(self._dirty)
            batches = [stream.batch() for stream in streams]
            outcomes = await self._log.append_each(batches)
            sent = [b for b, outcome in zip(batches, outcomes, strict=True) if outcome is Append.APPENDED]
            await notify_readers(sent)
            for stream, outcome in zip(streams, outcomes, strict=True):
                await self._settle(stream, outcome)
        finally:
            if self._dirty:
                self._wanted.set()
            async with self._ticked:
                self._ticked.notify_all()
        return Append.RETRY in outcomes

    async def _settle(self, stream: Stream, outcome: Append) -> None:
        """Make ready for the next tick, restore a lost log, or learn that another writer has it."""
        if outcome is Append.GAP:
            outcome = await self._restore(stream)
        elif outcome is Append.CONFLICT and await self._log.holds(stream.batch()):
            outcome = Append.APPENDED
        if outcome is Append.RETRY:
            return  # it stays dirty, with the very same batch, for the next tick
        stream.unsent = None
        if outcome is Append.CONFLICT:
            self.close(stream)
            stream.fenced()
        elif not stream.is_behind:
            self._dirty.pop(stream, None)

    async def _restore(self, stream: Stream) -> Append:
        """Redis lost the log, or its latest events: go on with the text so far, under the next number."""
        logged = await self._log.draft(stream.draft.base["id"])
        if logged is not None and logged.attempt > stream.draft.attempt:
            return Append.CONFLICT  # a later attempt went on from the older data
        snapshot = stream.draft.again()
        restored = stream.unsent = stream.encoded(snapshot.sequence_number, [snapshot])
        if not await self._log.restore(restored) and not await self._log.holds(restored):
            return Append.CONFLICT
        await notify_readers([restored])
        return Append.APPENDED

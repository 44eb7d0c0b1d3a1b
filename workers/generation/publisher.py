"""Publishes what the models generate: append to the log, then notify the readers over the channel layer.

arrow in: `attempt` writes text as it arrives · arrow out: the log, and `chat/transport/notifications.py`

One loop serves all streams of the process. A flush is one round trip to the log and one to the layer, however
many streams have text. Between two flushes nothing is read from the models, either (`wait_for_flush`): what
arrives meanwhile is read and decoded at once.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from chat.protocol import composer
from chat.protocol.events import Event
from chat.protocol.state import ResponseState, Wait
from chat.transport.event_log import Append, Batch, Log, LogError
from chat.transport.notifications import notify_readers
from workers.generation.flush_schedule import FlushSchedule

logger = logging.getLogger(__name__)

READ_SECS = 0.5  # a flush that hangs longer does not keep the models waiting


@dataclass(slots=True, eq=False)
class Stream:
    """One response being written. `state` includes `unsent`; `on_conflict`: another writer has it."""

    state: ResponseState
    on_conflict: Callable[[], object]
    waits: list[Wait] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    unsent: Batch | None = None

    @property
    def has_pending(self) -> bool:
        """Whether something was written that is in no batch yet."""
        return bool(self.waits or self.text or self.reasoning)

    def batch(self) -> Batch:
        """What to append next: the batch that has not been appended yet, else what is pending.

        Waits come first: after the first text the model is not asked again.
        """
        if self.unsent is None:
            events = [self._applied(composer.wait(self.state, wait)) for wait in self.waits]
            more = composer.append(self.state, "".join(self.text), "".join(self.reasoning))
            self.state.apply(*more)
            self.waits, self.text, self.reasoning = [], [], []
            self.unsent = Batch.of(self.state.id, [*events, *more])
        return self.unsent

    def _applied(self, event: Event) -> Event:
        self.state.apply(event)
        return event


class Gate:
    """Where those who read from the models wait. It opens for a moment, by itself after READ_SECS."""

    def __init__(self) -> None:
        self._opened = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None  # one for all that wait

    async def wait(self) -> None:
        """Wait until it opens."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(READ_SECS, self.open)
        await self._opened.wait()

    def open(self) -> None:
        """Let everybody through who waits now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._opened.set()
            self._opened.clear()


class Publisher:
    """Takes the text of all running responses of this process to the log and to their readers."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._open: set[Stream] = set()
        self._pending: dict[Stream, None] = {}  # the streams with something to append
        self._schedule = FlushSchedule()
        self._requested = asyncio.Event()
        self._flushed = asyncio.Condition()
        self._gate = Gate()

    def open(self, state: ResponseState, on_conflict: Callable[[], object]) -> Stream:
        """Start to publish a response."""
        stream = Stream(state, on_conflict)
        self._open.add(stream)
        return stream

    def write(self, stream: Stream, text: str = "", reasoning: str = "") -> None:
        """Take in text for the next flush; the first text of a response is flushed at once."""
        if text:
            stream.text.append(text)
        if reasoning:
            stream.reasoning.append(reasoning)
        self._pending[stream] = None
        self._request(urgent=not stream.state.items)

    def wait(self, stream: Stream, wait: Wait) -> None:
        """Notify the readers, at once, that the model is asked again later; only before the text."""
        stream.waits.append(wait)
        self._pending[stream] = None
        self._request(urgent=True)

    async def wait_for_flush(self) -> None:
        """Wait until the next flush is about to begin: what is read then is part of it."""
        self._request()
        await self._gate.wait()

    async def drain(self, stream: Stream) -> None:
        """Wait until everything that was written is in the log."""
        if stream in self._pending:
            self._request(urgent=True)
        async with self._flushed:
            await self._flushed.wait_for(lambda: stream not in self._pending)

    def close(self, stream: Stream) -> None:
        """Publish no more of this response."""
        self._open.discard(stream)
        self._pending.pop(stream, None)

    async def run(self) -> None:
        """Flush for ever."""
        while True:
            await self._until_due()
            self._schedule.begin(time.monotonic())
            self._gate.open()
            await asyncio.sleep(0)  # readers of the models run first, and write
            failed = False
            try:
                failed = bool(self._pending) and not await self._flush()
            except LogError as error:
                logger.warning("the log is unavailable, trying again: %s", type(error).__name__)
                failed = True
            self._schedule.end(time.monotonic(), len(self._open), failed=failed)

    def _request(self, *, urgent: bool = False) -> None:
        if self._schedule.request(urgent=urgent):
            self._requested.set()

    async def _until_due(self) -> None:
        while (delay := self._schedule.delay(time.monotonic())) != 0:
            self._requested.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._requested.wait()

    async def _flush(self) -> bool:
        """1. Append what every stream has. 2. Notify the readers. 3. See to what was not appended.

        False: Redis did not take something that it may take later.
        """
        try:
            streams = list(self._pending)
            batches = [stream.batch() for stream in streams]
            outcomes = await self._log.append_each(batches)
            sent = [b for b, outcome in zip(batches, outcomes, strict=True) if outcome is Append.APPENDED]
            await notify_readers(sent)
            for stream, outcome in zip(streams, outcomes, strict=True):
                if outcome is Append.GAP:
                    self._take_outcome(stream, await _restored(self._log, stream))
                else:
                    self._take_outcome(stream, outcome)
        finally:
            if self._pending:
                self._request()
            async with self._flushed:
                self._flushed.notify_all()
        return Append.RETRY not in outcomes

    def _take_outcome(self, stream: Stream, outcome: Append) -> None:
        """Prepare a stream for the next flush. After RETRY or GAP it sends the very same batch again."""
        if outcome is Append.CONFLICT:
            self.close(stream)
            stream.on_conflict()
        elif outcome is Append.APPENDED:
            stream.unsent = None
            if not stream.has_pending:
                self._pending.pop(stream, None)


async def _restored(log: Log, stream: Stream) -> Append:
    """Open the log again that Redis lost, or continue it where its latest events are missing."""
    stream.unsent = Batch.restoring(stream.state)
    outcome = await log.restore(stream.unsent, stream.state.attempt)
    if outcome is Append.APPENDED:
        await notify_readers([stream.unsent])
    return outcome

"""Publish generated text: append it to the log, then notify readers.

A flush of all streams is one round trip to the log and one to the channel layer.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from chat.protocol import composer
from chat.protocol.errors import ProtocolError
from chat.protocol.events import Event
from chat.protocol.pieces import Part
from chat.protocol.state import ResponseState, Wait
from chat.transport.event_log import Append, Batch, Log, LogError
from chat.transport.notifications import notify_readers
from workers.generation.flush_schedule import FlushSchedule

logger = logging.getLogger(__name__)

RESTORES_AT_ONCE = 10  # each reads a whole log over a connection, when Redis has just returned
READ_SECS = 0.5  # a hanging flush delays reading no longer


@dataclass(slots=True, eq=False)
class Stream:
    """One response being written. `state` includes `unsent`. `on_failure`: its parts make no events."""

    state: ResponseState
    on_conflict: Callable[[], object]
    on_failure: Callable[[], object]
    waits: list[Wait] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    unsent: Batch | None = None

    @property
    def has_pending(self) -> bool:
        """Whether something is in no batch yet."""
        return bool(self.waits or self.parts)

    def batch(self) -> Batch:
        """The unsent batch, else one of all that is pending.

        Waits come first: no model is called after text.
        """
        if self.unsent is None:
            events = [self._applied(composer.wait(self.state, wait)) for wait in self.waits]
            more = composer.append(self.state, self.parts)
            self.waits, self.parts = [], []
            self.unsent = Batch.of(self.state.id, [*events, *more])
        return self.unsent

    def _applied(self, event: Event) -> Event:
        self.state.apply(event)
        return event


class Gate:
    """Where readers of models wait, READ_SECS at most."""

    def __init__(self) -> None:
        self._opened = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self) -> None:
        """Wait until it opens."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(READ_SECS, self.open)
        await self._opened.wait()

    def open(self) -> None:
        """Release all waiters."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._opened.set()
            self._opened.clear()


class Publisher:
    """Publishes this process's responses."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._open: set[Stream] = set()
        self._pending: dict[Stream, None] = {}
        self._schedule = FlushSchedule()
        self._requested = asyncio.Event()
        self._flushed = asyncio.Condition()
        self._gate = Gate()
        self._places = asyncio.Semaphore(RESTORES_AT_ONCE)

    def open(
        self,
        state: ResponseState,
        on_conflict: Callable[[], object],
        on_failure: Callable[[], object] | None = None,
    ) -> Stream:
        """Start publishing a response. `on_failure`: by default as after a conflict."""
        stream = Stream(state, on_conflict, on_failure or on_conflict)
        self._open.add(stream)
        return stream

    def write(self, stream: Stream, parts: Sequence[Part]) -> None:
        """Buffer parts; a response's first is flushed at once."""
        stream.parts += parts
        self._pending[stream] = None
        self._request(urgent=not stream.state.items)

    def write_wait(self, stream: Stream, wait: Wait) -> None:
        """Notify readers at once of a pause; only before text."""
        stream.waits.append(wait)
        self._pending[stream] = None
        self._request(urgent=True)

    async def wait_for_flush(self) -> None:
        """Wait until a flush is about to begin; text read then joins it."""
        self._request()
        await self._gate.wait()

    async def drain(self, stream: Stream) -> None:
        """Wait until all is in the log."""
        if stream in self._pending:
            self._request(urgent=True)
        async with self._flushed:
            await self._flushed.wait_for(lambda: stream not in self._pending)

    def close(self, stream: Stream) -> None:
        """Stop publishing a response."""
        self._open.discard(stream)
        self._pending.pop(stream, None)

    async def run(self) -> None:
        """Flush for ever."""
        while True:
            await self._until_due()
            self._schedule.begin(time.monotonic())
            self._gate.open()
            await asyncio.sleep(0)  # readers of models write first
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
        """1. Append all batches. 2. Notify readers. 3. Restore lost logs. False: a batch must be retried."""
        try:
            batches = self._batches()
            streams = list(self._pending)
            outcomes = await self._log.append_each(batches)
            sent = [b for b, outcome in zip(batches, outcomes, strict=True) if outcome is Append.APPENDED]
            await notify_readers(sent)
            self._take_outcomes(streams, outcomes)
            lost = [s for s, outcome in zip(streams, outcomes, strict=True) if outcome is Append.GAP]
            restored = await asyncio.gather(*(_restored(self._log, s, self._places) for s in lost))
            self._take_outcomes(lost, restored)
        finally:
            if self._pending:
                self._request()
            async with self._flushed:
                self._flushed.notify_all()
        return Append.RETRY not in (*outcomes, *restored)

    def _batches(self) -> list[Batch]:
        """The batches of all pending streams; one whose parts make no events is closed, alone."""
        batches = []
        for stream in list(self._pending):
            try:
                batches.append(stream.batch())
            except Exception:
                logger.exception("response %s: its text cannot be published", stream.state.id)
                self.close(stream)
                stream.on_failure()
        return batches

    def _take_outcomes(self, streams: Sequence[Stream], outcomes: Sequence[Append]) -> None:
        """After RETRY or GAP the next flush sends the batch again."""
        for stream, outcome in zip(streams, outcomes, strict=True):
            if outcome is Append.CONFLICT:
                self.close(stream)
                stream.on_conflict()
            elif outcome is Append.APPENDED:
                stream.unsent = None
                if not stream.has_pending:
                    self._pending.pop(stream, None)


async def _restored(log: Log, stream: Stream, places: asyncio.Semaphore) -> Append:
    """A failure concerns this stream alone."""
    async with places:
        stream.unsent = Batch.restoring(stream.state)
        try:
            outcome = await log.restore(stream.unsent, stream.state.attempt)
        except LogError as error:
            logger.warning("response %s: its log is unavailable: %s", stream.state.id, type(error).__name__)
            return Append.RETRY
        except ProtocolError:  # events of another version
            logger.exception("response %s: its log cannot be read", stream.state.id)
            return Append.CONFLICT
        if outcome is Append.APPENDED:
            await notify_readers([stream.unsent])
        return outcome

"""Ask a server of OpenAI's Responses API: an answer in background outlives its connection and its worker.

The server keeps the run: a connection that breaks is replaced by another one, after the last event, and
nothing is asked twice.
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from chat.protocol.pieces import Part
from chat.responses.model_catalog import ModelConfig
from workers.providers.base import Chunk, ProviderError
from workers.providers.exchange.asking import Asking
from workers.providers.exchange.connection import RefusedError, Reply, translated
from workers.providers.exchange.reading import chunks
from workers.providers.framing import Framing
from workers.providers.request import Request
from workers.providers.responses.events import EventReader
from workers.providers.responses.overlap import Lengths
from workers.providers.responses.request import response_body

logger = logging.getLogger(__name__)

PATH = "/responses"
ATTACH_SECS = (0.3, 1.0, 2.0)  # before another connection; the last repeats, to the caller's deadline
POLL_SECS = 2  # of a run that is too old to be streamed: OpenAI's limit is five minutes
READ_SECS = 10  # to read a response object
MAX_OBJECT_BYTES = 8 * 1024 * 1024
CANCEL_SECS = 5
LEAVE_SECS = 10  # to learn the id of a run whose reader left before it came
RUN_ID = re.compile(r"[\w-]{1,200}")  # it stands in a path
ENDED = ("failed", "cancelled")
# of a connection, also of a gateway before the server: the run continues
_LOST = frozenset(
    ("upstream_cut", "upstream_unreachable", "timeout_connect", "upstream_error", "rate_limit_exceeded")
)
_NOT_STREAMED = (400, 422)  # refusals of the stream alone


@dataclass(frozen=True, slots=True)
class Background:
    """A run that is to outlive its worker.

    `remember` stores the server's id of a new one before its first part is yielded. With `run`, the id of an
    earlier one, nothing is asked: the answer continues after `known`.
    """

    remember: Callable[[str], Awaitable[None]]
    run: str = ""
    known: Sequence[Part] = ()


async def response(
    asking: Asking, model: ModelConfig, request: Request, background: Background | None
) -> AsyncGenerator[Chunk, None]:
    """Yield a response's chunks. Raises ProviderError."""
    answer = _Answer(asking, model, background)
    source = answer.created(request)
    if background and background.run:
        source = answer.attached()
    while True:
        try:
            async with aclosing(source) as parts:
                async for chunk in parts:
                    yield chunk
                return
        except ProviderError as error:
            pause = answer.pause_after(error)
            if pause is None:
                raise
        await asyncio.sleep(pause)
        source = answer.attached()


@dataclass(slots=True)
class _Answer:
    """One answer over all its connections."""

    asking: Asking
    model: ModelConfig
    background: Background | None
    reader: EventReader = field(default_factory=EventReader)
    run: str = ""
    seen: Lengths = field(default_factory=Lengths)
    repeated: Lengths = field(default_factory=Lengths)  # by the current reader
    losses: int = 0  # connections since the last part
    begun: asyncio.Event = field(default_factory=asyncio.Event)  # the run's id is known

    def __post_init__(self) -> None:
        if self.background:
            self.run = self.background.run
            self.seen = Lengths.of(self.background.known)
            self.repeated = self.seen.copy()

    def pause_after(self, error: ProviderError) -> float | None:
        """The pause before another connection; None: there is no run to continue."""
        if not self.run or self.reader.over:
            return None
        is_gone = error.permanent and error.code != "rate_limit_exceeded"
        if error.code not in _LOST or is_gone:
            error.permanent, error.retry_after = True, None  # another request would be paid twice
            return None
        self.losses += 1
        pause = ATTACH_SECS[min(self.losses, len(ATTACH_SECS)) - 1]
        logger.info("model %s: a run's connection is lost: %s", self.model.name, error.code)
        return max(pause, error.retry_after or 0)

    async def created(self, request: Request) -> AsyncGenerator[Chunk, None]:
        """Ask. A reader that leaves before the run's id has come leaves a task that cancels the run."""
        opening = asyncio.create_task(self._opened(request))
        try:
            parts, first = await asyncio.shield(opening)
        except asyncio.CancelledError:
            if self.background and not self.run and not opening.done():
                self.asking.finish(self._abandon(opening))
            else:
                await _closed(opening)
            raise
        async with aclosing(parts):
            if first is not None:
                yield first
            async for chunk in parts:
                yield chunk

    async def _opened(self, request: Request) -> tuple[AsyncGenerator[Chunk, None], Chunk | None]:
        """Ask; return the chunks, and the first of them."""
        upstream_model = await self.asking.upstream_model(self.model)
        in_background = self.background is not None
        body = partial(response_body, self.model, upstream_model, request, background=in_background)
        parts = self._read(await self.asking.ask(self.model, PATH, body))
        return parts, await anext(parts, None)

    async def _abandon(self, opening: asyncio.Task[Any]) -> None:
        """Cancel the run as soon as its id is known."""
        self.background = None  # no attempt continues it
        known = asyncio.create_task(self.begun.wait())
        await asyncio.wait([opening, known], timeout=LEAVE_SECS, return_when=asyncio.FIRST_COMPLETED)
        known.cancel()
        await _closed(opening)
        if self.run:
            await cancel(self.asking, self.model, self.run)

    async def attached(self) -> AsyncGenerator[Chunk, None]:
        """Continue the run after the last event; the first connection of a worker has it all again."""
        query = {"stream": "true"}
        if self.reader.number >= 0:
            query["starting_after"] = str(self.reader.number)
            self.reader.after = self.reader.number
        else:
            self.reader, self.repeated = EventReader(), self.seen.copy()
        try:
            with translated():
                reply = await self.asking.connections.get(self.model, f"{PATH}/{self.run}", query)
        except RefusedError as error:
            if error.status == 404:
                raise ProviderError("upstream_cut", permanent=True) from error
            if error.status not in _NOT_STREAMED:
                with self.asking.failures(self.model):
                    raise
            source = self._polled()
        else:
            source = self._read(reply)
        async with aclosing(source) as parts:
            async for chunk in parts:
                yield chunk

    async def _read(self, reply: Reply) -> AsyncGenerator[Chunk, None]:
        headers = reply.header("content-type"), reply.header("content-encoding")
        framing = Framing(*headers, MAX_OBJECT_BYTES)  # the last event has the whole object
        with translated():
            async with aclosing(reply):
                async for chunk in chunks(reply.body(), framing, self.reader):
                    if await self._took(chunk):
                        yield chunk

    async def _polled(self) -> AsyncGenerator[Chunk, None]:
        """Wait for the run's end, for the rest of its object."""
        self.reader, self.repeated = EventReader(), self.seen.copy()
        while True:
            chunk, found = Chunk(), await retrieve(self.asking, self.model, self.run)
            if found is None:
                raise ProviderError("upstream_cut", permanent=True)
            is_over = self.reader.read(found, chunk)
            if await self._took(chunk):
                yield chunk
            if is_over:
                return
            await asyncio.sleep(POLL_SECS)

    async def _took(self, chunk: Chunk) -> bool:
        """Drop known parts; store the run's id before its first new part. False: the chunk is empty."""
        if self.reader.run and not self.run and RUN_ID.fullmatch(self.reader.run):
            self.run = self.reader.run
            self.begun.set()
            if self.background:
                await self.background.remember(self.run)
        chunk.parts = self.repeated.dropped(chunk.parts)
        self.seen.add(chunk.parts)
        if chunk.parts:
            self.losses = 0
        return chunk != Chunk()


async def _closed(opening: asyncio.Task[Any]) -> None:
    """End a task that opens a connection, and the connection; its error has no reader."""
    opening.cancel()
    await asyncio.wait([opening])
    if not opening.cancelled() and opening.exception() is None:
        parts, _ = opening.result()
        await parts.aclose()


async def retrieve(asking: Asking, model: ModelConfig, run: str) -> Any:
    """A run's response object; None: the server does not know it. Raises ProviderError."""
    try:
        with translated():
            async with aclosing(
                await asking.connections.get(model, f"{PATH}/{run}", {}, model.deadlines.connect)
            ) as reply:
                return await reply.json(MAX_OBJECT_BYTES, READ_SECS)
    except RefusedError as error:
        if error.status == 404:
            return None
        with asking.failures(model):
            raise


async def goes_on(asking: Asking, model: ModelConfig, run: str) -> bool:
    """Whether a run can be continued: the server knows it, and it has not failed. Raises ProviderError."""
    found = await retrieve(asking, model, run)
    return isinstance(found, dict) and found.get("status") not in ENDED


async def cancel(asking: Asking, model: ModelConfig, run: str) -> None:
    """Cancel a run; one that has ended, or that the server does not know, is none. Raises ProviderError."""
    try:
        with translated():
            async with asyncio.timeout(CANCEL_SECS):
                reply = await asking.connections.post(model, f"{PATH}/{run}/cancel")
                await reply.aclose()
    except TimeoutError:
        raise ProviderError("upstream_unreachable") from None
    except RefusedError as error:
        if error.status not in (400, 404, 409):
            with asking.failures(model):
                raise

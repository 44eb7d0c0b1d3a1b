"""The reply to a completion that streams: server-sent chunks, or an error's status.

events ─▶ Chunks ─▶ wait for the first one, up to OPEN_SECS ─▶ status 200 and the chunks
"""

import asyncio

from chat.api.completions.chunks import Chunks
from chat.api.completions.replies import reply_failed
from chat.api.exchange import Exchange
from chat.api.reader import Reader
from chat.api.server_events import DONE, KEEP_ALIVE, SIGNS_OF_LIFE
from chat.models import Response
from chat.responses.ownership import followed
from chat.responses.representation import response_object
from chat.transport.task_cancellation import cancel

OPEN_SECS = 5  # chunks cannot say that a request is refused, and a silent connection may be closed


class CompletionStream:
    """One reader's reply, for one response."""

    def __init__(self, exchange: Exchange, row: Response, *, include_usage: bool = False) -> None:
        self._exchange, self._row = exchange, followed(row)
        self._chunks = Chunks(response_object(row), include_usage=include_usage)
        self._reader = Reader(exchange, self._on_event)
        self._opening = asyncio.Lock()  # the timer and an event may open the stream

    async def send(self) -> None:
        """Reply. A failure before the stream has begun is a status; a response that is lost to it ends.

        Raises CommandError if the response was deleted or cancelled before, and as `Reader.follow`.
        """
        await self._exchange.connection.allow_move()
        timer = asyncio.create_task(self._open_later())
        try:
            await self._reader.follow(self._row)
        finally:
            await cancel([timer])
        final = self._chunks.final
        if not self._exchange.has_begun:
            await reply_failed(self._exchange, final)
        elif self._chunks.ended:
            await self._exchange.connection.send_text(DONE)
            await self._exchange.connection.end()
        if final is None and self._chunks.ended and self._exchange.on_left is not None:
            await self._exchange.on_left()  # the client cannot read the rest

    async def _on_event(self, text: str) -> None:
        found = "".join(f"data: {chunk}\n\n" for chunk in self._chunks.translate(text))
        if found and (self._chunks.begun or self._exchange.has_begun):
            await self._open()
            await self._exchange.connection.send_text(found)
        elif text.startswith(SIGNS_OF_LIFE) and self._exchange.has_begun and not self._chunks.ended:
            await self._exchange.connection.send_text(KEEP_ALIVE)
        if self._chunks.ended:
            self._reader.end()

    async def _open_later(self) -> None:
        await asyncio.sleep(OPEN_SECS)
        if not (self._chunks.ended or self._exchange.has_begun):
            await self._open()

    async def _open(self) -> None:
        async with self._opening:
            if not self._exchange.has_begun:
                await self._exchange.open_stream()

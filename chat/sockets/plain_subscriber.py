"""The responses that a program's socket follows: OpenAI's events alone, until the client asks for others."""

import asyncio

from chat.protocol.errors import CommandError
from chat.protocol.plain import PlainStream
from chat.streaming.backpressure import ClientConnection
from chat.streaming.subscriber import Send, Subscriber
from chat.transport.event_log import Log


class PlainSubscriber(Subscriber):
    """Sends the plain form of each response that it begins to follow while the connection is plain."""

    def __init__(self, channel: str, send: Send, log: Log, connection: ClientConnection) -> None:
        super().__init__(channel, send, log, connection)
        self._ends: dict[str, asyncio.Future[bool]] = {}

    def end_of(self, response_id: str) -> asyncio.Future[bool]:
        """Done when the response is followed no longer: whether its end was sent.

        Get it before `subscribe`.
        """
        if response_id not in self._ends:
            self._ends[response_id] = asyncio.get_running_loop().create_future()
        return self._ends[response_id]

    def sender(self, response_id: str, stream_id: str | None) -> Send:
        """As of the base; what follows the end of a plain stream is not sent."""
        send = super().sender(response_id, stream_id)
        if not self.connection.is_plain:
            return send
        plain = PlainStream(lost=_stream_lost)

        async def translated(text: str) -> None:
            for each in plain.translate(text):
                await send(each)
            if plain.ended:
                await self._unsubscribe(response_id, has_ended=not plain.is_lost)

        return translated

    async def unsubscribe(self, response_id: str) -> None:
        """Stop following; the response continues."""
        await self._unsubscribe(response_id, has_ended=False)

    async def send_queue_position(self, response_id: str, least: int = 0) -> None:
        """As of the base; a plain connection has no such frame."""
        if not self.connection.is_plain:
            await super().send_queue_position(response_id, least)

    async def _unsubscribe(self, response_id: str, *, has_ended: bool) -> None:
        await super().unsubscribe(response_id)
        end = self._ends.pop(response_id, None)
        if end is not None and not end.done():  # done: cancelled with the task that waits
            end.set_result(has_ended)


def _stream_lost(_: int) -> str:
    return CommandError("stream_lost").encode()

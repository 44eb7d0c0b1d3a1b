"""The socket of programs, `/v1/responses`: OpenAI's protocol, with an API key.

It stands outside Django's sessions and the check of origins: it reads no cookie.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

from channels.db import database_sync_to_async

from chat.accounts.api_keys import bearer, find_key, key_watch
from chat.accounts.program_rate import count_request, require_rate
from chat.accounts.session_watch import SessionWatch
from chat.models import Response
from chat.protocol.commands import OF_PROGRAMS, Command, Create
from chat.protocol.composer import Ending
from chat.protocol.errors import MOVING, SIGNED_OUT, CommandError, ProtocolError
from chat.responses.creation import submit
from chat.responses.ending import end
from chat.responses.program_requests import ProgramRequest, outlives_reader
from chat.sockets.admission import accept_to_refuse
from chat.sockets.consumer import ResponsesConsumer
from chat.sockets.lanes import Lanes
from chat.sockets.plain_subscriber import PlainSubscriber
from chat.streaming.backpressure import Application, Receive, Send
from chat.streaming.cursor import NOTHING
from chat.streaming.draining import draining
from chat.transport.notifications import Message, owner_group
from chat.transport.outages import UNAVAILABLE

REQUEST = ProgramRequest(continues_unstored=True)

T = TypeVar("T")

logger = logging.getLogger(__name__)
_pending: set[asyncio.Task[Any]] = set()  # asyncio keeps only weak references to tasks


class KeyAdmission:
    """In front of the consumer: find the key and its owner before a channel or a subscription exists."""

    def __init__(self, consumer: Application) -> None:
        self._consumer = consumer

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one socket; or refuse it: 403 without a key, 4401 with a wrong one.

        After 4401 OpenAI's SDKs do not reconnect, after 403 and 1012 they do.
        """
        text = bearer(scope["headers"])
        try:
            key = await database_sync_to_async(find_key, thread_sensitive=False)(text) if text else None
        except UNAVAILABLE as error:
            logger.warning("a key could not be checked: %s", type(error).__name__)
            await receive()
            await accept_to_refuse(send, CommandError("busy"), MOVING)
            return
        if key is not None:
            await self._consumer(scope | {"user": key.owner, "key": key}, receive, send)
            return
        await receive()
        if text:
            await accept_to_refuse(send, CommandError("invalid_api_key"), SIGNED_OUT)
        else:
            await send({"type": "websocket.close"})


class ProgramConsumer(ResponsesConsumer):
    """OpenAI's events alone, until the client sends a `tailrace:` command; requests run in lanes.

    A response that is not stored is cancelled when the socket ends, unless this web process stops.
    """

    subscriber: PlainSubscriber
    limits = OF_PROGRAMS
    _moves = False  # the web process stops: the client will reconnect

    def __init__(self) -> None:
        super().__init__()
        self._lanes, self._creating = Lanes(), asyncio.Lock()
        self._unread: set[str] = set()  # responses that end with this socket
        # of each lane the response that runs, and `PlainSubscriber.end_of` it
        self._running: dict[str | None, tuple[str, asyncio.Future[bool]]] = {}

    async def connect(self) -> None:
        """Accept: the key is known. With too many sockets, send the error and close."""
        self.connection.is_plain = True
        self.subscriber = PlainSubscriber(
            self.channel_name, self.connection.send_text, self.log, self.connection
        )
        self.subscriber.of_owner = await self.count()
        self.channel_layer.group_join(owner_group(self.scope["user"].pk), self.channel_name)
        self.watch_session(self.scope["key"].pk)
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Execute a command, or let it wait in its lane; a failure sends an error event."""
        try:
            command = self._admitted(text_data)
            if not isinstance(command, Create):
                self.connection.is_plain = False
                await self._execute(command)
            elif self._lanes.enter(command, len(text_data or "")):
                self._tasks.create_task(self._run(command, command.stream_id))
        except CommandError as error:
            await self.refuse(error)

    async def _run(self, command: Create | None, stream_id: str | None) -> None:
        """Execute the requests of a lane, each after the end of the one before."""
        while command is not None:
            try:
                await self._execute(command)
            except CommandError as error:
                await self.refuse(error)
            command = None  # its text is not held while the answer runs, which may take hours
            if stream_id in self._running:
                await self._wait(*self._running.pop(stream_id))
            command = self._lanes.next(stream_id)

    async def _perform(self, command: Command) -> None:
        if not isinstance(command, Create):
            await super()._perform(command)
            return
        if command.stream is False:
            raise CommandError("invalid_field", "stream")
        async with self._creating:
            self.subscriber.require_room()  # before anything is stored
            require_rate(await count_request(self.scope["user"].pk))
            row = await asyncio.shield(_start(self._submit(command)))
            end_sent = self.subscriber.end_of(row.wire_id)
            try:
                await self._follow(row, command.stream_id)
            except Exception:
                await self.subscriber.unsubscribe(row.wire_id)
                self._end_unread(row.wire_id)  # the client asks again
                raise
        self._running[command.stream_id] = row.wire_id, end_sent

    async def _wait(self, response_id: str, end_sent: asyncio.Future[bool]) -> None:
        """Until a response is followed no longer; one whose end was not read ends, unless it is stored."""
        if not await end_sent:
            self._end_unread(response_id)
        self._unread.discard(response_id)

    async def _follow(self, row: Response, stream_id: str | None) -> None:
        # of a later attempt only a snapshot has no dropped call
        after = NOTHING if row.attempt <= 1 or not self.connection.is_plain else None
        await self.subscriber.subscribe(row.wire_id, after, stream_id, row_ended=not row.live, replay=False)
        await self.subscriber.send_queue_position(row.wire_id, least=1)

    async def _submit(self, command: Create) -> Response:
        """Create a response, even if the client leaves meanwhile: half of one would never end."""
        row, _ = await submit(self.scope["user"], command, self.log, REQUEST)
        if not outlives_reader(command):
            self._unread.add(row.wire_id)
            if self._closed:
                self._cancel_unread()
        return row

    async def on_message(self, message: Message) -> None:
        """Forward events; a plain connection has no frame of a changed conversation."""
        if message["type"] != "conversation.changed" or not self.connection.is_plain:
            await super().on_message(message)

    def watch(self) -> SessionWatch:
        """The watch of keys."""
        return key_watch()

    async def check_session(self, *, returning: bool = False) -> None:
        """Close the socket if its key has ended. Raises a database error."""
        await self.require_session()

    async def sign_out(self) -> NoReturn:
        """Send the error, close, and end the consumer."""
        await self.close_with(CommandError("invalid_api_key"), SIGNED_OUT)

    async def disconnect(self, code: int) -> None:
        """Note why."""
        self._moves = code == MOVING

    async def leave(self) -> None:
        """Leave all groups, cancel responses without a reader; all tasks end. Idempotent."""
        await super().leave()
        self._cancel_unread()

    def _end_unread(self, response_id: str) -> None:
        if response_id in self._unread:
            self._unread.discard(response_id)
            _start(self._cancel(response_id))

    def _cancel_unread(self) -> None:
        if not (self._moves or draining.has_begun):
            for response_id in self._unread:
                _start(self._cancel(response_id))
        self._unread.clear()

    async def _cancel(self, response_id: str) -> None:
        try:
            await end(self.log, response_id, Ending("cancelled", time.time()))
        except (*UNAVAILABLE, ProtocolError) as error:  # it ends unread
            logger.warning("response %s: not cancelled: %s", response_id, type(error).__name__)


def _start(work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """A task that ends even if the socket ends."""
    task = asyncio.create_task(work)
    _pending.add(task)
    task.add_done_callback(_pending.discard)
    return task

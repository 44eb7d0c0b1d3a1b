"""The page's socket: execute commands, forward events. It never calls a model.

browser ─ response.create ─▶ store row · open log · enqueue ─▶ worker
                             then follow: join group · read log
browser ◀─ events ────────── drop duplicates · read the log on a gap ◀─ group ─ worker
"""

import asyncio
import logging
import time
from typing import Any

from channels.exceptions import StopConsumer
from channels.layers import get_channel_layer

from chat.accounts.session_watch import RETRY_SECS
from chat.accounts.sessions import identity
from chat.ids import RESPONSE, wire_id
from chat.protocol.commands import (
    OF_SOCKETS,
    Acknowledge,
    Cancel,
    Command,
    Create,
    Subscribe,
    Unsubscribe,
    parse,
)
from chat.protocol.errors import CommandError, ProtocolError
from chat.responses.creation import submit
from chat.responses.ending import cancel
from chat.responses.model_catalog import client_parameters
from chat.responses.ownership import own_response
from chat.sockets.bounds import CommandRate
from chat.sockets.session_consumer import SessionConsumer
from chat.streaming.backpressure import Receive, Send
from chat.streaming.subscriber import Subscriber
from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.notifications import Message, owner_group
from chat.transport.outages import UNAVAILABLE, retry

logger = logging.getLogger(__name__)


class ResponsesConsumer(SessionConsumer):
    """`/ws/responses/?owner=`: OpenAI's Responses protocol with `tailrace:` extensions.

    A page sends the user id it was made for; other clients may omit it.
    """

    limits = OF_SOCKETS
    log: Log
    subscriber: Subscriber
    _closed = False

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one socket: one task for commands, one for notifications.

        Neither waits for the other's database work; Channels would start two tasks per message. On any exit
        the socket leaves its groups and channel.
        """
        self.scope, self.base_send = scope, send
        self.channel_layer = get_channel_layer()
        self.channel_name = await self.channel_layer.new_channel()
        self.connection = scope["connection"]
        self.log = Log(redis_client.client())
        self.rate = CommandRate()
        self.subscriber = Subscriber(self.channel_name, self.connection.send_text, self.log, self.connection)
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self._listen())
                try:
                    while not self._closed:  # a cancellation may be lost (see `task_cancellation`)
                        await self.dispatch(await receive())
                finally:
                    self._closed = True
        except* StopConsumer:
            pass
        finally:
            self.unwatch_session()
            self.uncount()
            await self.leave()
            await self.channel_layer.drop_channel(self.channel_name)

    async def connect(self) -> None:
        """Accept: the user is known. With too many sockets, send the error and close."""
        self.subscriber.of_owner = await self.count()
        self.channel_layer.group_join(owner_group(self.scope["user"].pk), self.channel_name)
        self.watch_session(identity(self.scope))
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Execute one command; a failure sends an error event."""
        try:
            await self._execute(self._admitted(text_data))
        except CommandError as error:
            await self.refuse(error)

    def _admitted(self, frame: str | None) -> Command:
        """Parse a frame; the rate counts it in any case. Raises CommandError."""
        now = time.monotonic()
        self.rate.require_length(frame or "", now)
        try:
            if frame is None:
                raise CommandError("binary_frame")
            command = parse(frame, client_parameters(), self.limits)
        except CommandError:
            self.rate.require(None, now)
            raise
        self.rate.require(command, now)
        return command

    async def _execute(self, command: Command) -> None:
        """Raises CommandError with the command's `stream_id`; `busy` during an outage."""
        stream_id = getattr(command, "stream_id", None)
        try:
            await self.check_session(returning=isinstance(command, Subscribe))
            await self._perform(command)
        except CommandError as error:
            error.stream_id = stream_id
            raise
        except (*UNAVAILABLE, ProtocolError) as error:
            logger.warning("busy: %s", type(error).__name__)
            raise CommandError("busy", stream_id=stream_id) from error

    async def _perform(self, command: Command) -> None:
        user = self.scope["user"]
        match command:
            case Subscribe():
                row = await own_response(user.pk, command.response_id)
                after, ended = command.starting_after, not row.live
                await self.subscriber.subscribe(row.wire_id, after, command.stream_id, row_ended=ended)
                await self.subscriber.send_queue_position(row.wire_id, least=1)
            case Unsubscribe():
                await self.subscriber.unsubscribe(wire_id(RESPONSE, command.response_id))
            case Acknowledge():
                self.subscriber.acknowledge(wire_id(RESPONSE, command.response_id), command.sequence_number)
            case Create():
                self.subscriber.require_room()  # before anything is stored
                row, _ = await submit(user, command, self.log)
                await self.subscriber.start(row.wire_id, command.stream_id, row_ended=not row.live)
                await self.subscriber.send_queue_position(row.wire_id, least=1)
            case Cancel():
                await cancel(self.log, user.pk, command.response_id)

    async def _listen(self) -> None:
        try:
            while not self._closed:
                await self.on_message(await self.channel_layer.receive(self.channel_name))
        finally:
            self._closed = True

    async def on_message(self, message: Message) -> None:
        """Forward events or a changed conversation."""
        if message["type"] == "response.events":
            try:
                await self.subscriber.on_notification(message)
            except (*UNAVAILABLE, ProtocolError) as error:  # the regular check reads the log again
                logger.warning("a notification could not be followed: %s", type(error).__name__)
        elif message["type"] == "session.recheck":
            # nothing is delivered while the database is unavailable
            await retry("a session could not be checked", self._recheck_session, RETRY_SECS)
        elif not self.connection.paused:  # a client that does not read fetches the list later
            await self.connection.send_text(message["frame"])

    async def _recheck_session(self) -> None:
        if self.session is None or not await self.session.check():
            await self.sign_out()

    def end_session(self) -> None:
        """Sign out in the task group, which ends both tasks."""
        if not self._closed:
            self._tasks.create_task(self.sign_out())

    async def leave(self) -> None:
        """Leave all groups; both tasks end. Idempotent."""
        self._closed = True
        await self.subscriber.close()
        if self.scope["user"].is_authenticated:
            await self.channel_layer.group_discard(owner_group(self.scope["user"].pk), self.channel_name)

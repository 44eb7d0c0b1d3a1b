"""The socket: it takes commands, follows responses and does nothing else. No model is asked here.

browser ─ response.create ─▶ validate · store row · create log · join group · enqueue ─▶ worker
browser ◀─ events ─────────── drop what was seen · read the log on a gap ◀─ group ─────── worker
"""

import asyncio
import logging
import time
from collections.abc import Awaitable
from functools import partial
from typing import Any, NoReturn
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.contrib.auth.models import AnonymousUser

from chat.accounts.sessions import is_signed_in, still_signed_in
from chat.conversations.announcements import announce_response
from chat.models import LIVE, Response
from chat.protocol.commands import Acknowledge, Cancel, Command, Create, Subscribe, Unsubscribe, parse
from chat.protocol.composer import Ending
from chat.protocol.errors import SIGNED_OUT, CommandError, ProtocolError
from chat.responses.creation import create_response
from chat.responses.ending import end
from chat.responses.queueing import enqueue
from chat.responses.representation import response_object
from chat.streaming.backpressure import Receive, Send
from chat.streaming.subscriber import Subscriber
from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.job_queue import QueueError
from chat.transport.notifications import Message, owner_group
from chat.transport.outages import UNAVAILABLE

logger = logging.getLogger(__name__)

LOOK_AGAIN_SECS = 1  # at a session, while the database is away
AHEAD_SECS = 0.02  # what a job usually takes to its queue; its reader is served after it, not beside it


class ResponsesConsumer(AsyncWebsocketConsumer):
    """`/ws/responses/?owner=`: OpenAI's Responses protocol with a few `tailrace:` extensions.

    A page gives the id of the user for whom it was made; other clients may leave it out.
    """

    log: Log
    follower: Subscriber
    _over = False

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one socket. Hints are heard beside its commands: none waits for a command's database work.

        Channels would make two tasks for each message, and wait for whichever is first. However it ends, no
        group and no channel is left of it; the answers go on.
        """
        self.scope, self.base_send = scope, send
        self.channel_layer = get_channel_layer()
        self.channel_name = await self.channel_layer.new_channel()
        self.log = Log(redis_client.client())
        self.follower = Subscriber(self.channel_name, self.send_text, self.log, scope["peer"])
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._hear())
                try:
                    while True:
                        await self.dispatch(await receive())
                finally:
                    self._over = True
        except* StopConsumer:
            pass
        finally:
            await self._leave()
            await self.channel_layer.drop_channel(self.channel_name)

    async def _hear(self) -> None:
        while not self._over:  # on Python 3.11 a Redis command that ends just then swallows a cancellation
            await self.heard(await self.channel_layer.receive(self.channel_name))

    async def heard(self, message: Message) -> None:
        """Pass on what the channel layer says: a hint, or news of a conversation."""
        if message["type"] == "response.events":
            try:
                await self.follower.hint(message)
            except (*UNAVAILABLE, ProtocolError) as error:  # the regular check will look again
                logger.warning("a hint could not be followed: %s", type(error).__name__)
        elif message["type"] == "owner.look":
            await self._look()
        elif not self.scope["peer"].full:  # it can look at the list later
            await self.send_text(message["frame"])

    async def connect(self) -> None:
        """Take the socket; without a user, say why and close it."""
        if _is_for_another(self.scope):  # what this page has to send was written by its own user
            self.scope["user"] = AnonymousUser()
        if self.scope["user"].is_authenticated:
            self.channel_layer.group_join(self._owner_group(), self.channel_name)
        await self.accept()
        if not self.scope["user"].is_authenticated:
            await self.send_text(CommandError("unauthenticated").encode())
            await self.close(SIGNED_OUT)

    async def send_text(self, text: str) -> None:
        """Send one frame."""
        await self.scope["peer"].send_text(text)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take one command. A bad one gets an error event; the socket stays."""
        try:
            if text_data is None:
                raise CommandError("binary_frame")
            command = parse(text_data)
        except CommandError as refusal:
            await self.send_text(refusal.encode())
            return
        await self._careful(self._obey(command), getattr(command, "stream_id", None))

    async def _careful(self, work: Awaitable[None], stream_id: str | None) -> None:
        """Do it, and tell the client when it is refused or when Redis or the database is away."""
        try:
            await work
        except CommandError as refusal:
            refusal.stream_id = stream_id
            await self.send_text(refusal.encode())
        except (*UNAVAILABLE, ProtocolError) as error:
            logger.warning("busy: %s", type(error).__name__)
            await self.send_text(CommandError("busy", stream_id=stream_id).encode())

    async def _obey(self, command: Command) -> None:
        if isinstance(command, Create):  # it looks at the user where it stores, in one go
            await self._create(command)
            return
        if not await still_signed_in(self.scope):
            await self._sign_out()
        match command:
            case Subscribe():
                await self._subscribe(command)
            case Unsubscribe():
                await self.follower.leave(str(command.response_id))
            case Acknowledge():
                self.follower.acknowledge(str(command.response_id), command.sequence_number)
            case Cancel():
                await self._own(command.response_id)
                await end(self.log, str(command.response_id), Ending("cancelled", time.time()))

    async def _create(self, command: Create) -> None:
        self.follower.require_room()  # before anything is stored
        response, new = await self._accept(command)
        # it is accepted, whether or not its reader is still there, and a worker need not wait for the reader
        enqueuing = asyncio.create_task(self._enqueue(response)) if new else None
        try:
            if enqueuing:
                await asyncio.wait([enqueuing], timeout=AHEAD_SECS)
            await self.follower.begin(str(response.id), command.stream_id, over=not response.live)
        finally:
            if enqueuing:
                await enqueuing
                await announce_response(response_object(response))
        await self.follower.tell_queue(str(response.id), least=1)

    async def _accept(self, command: Create) -> tuple[Response, bool]:
        try:
            admitted = partial(is_signed_in, self.scope)
            return await create_response(self.scope["user"], command, self.log, admitted)
        except CommandError as refusal:
            if refusal.code == "unauthenticated":
                await self._sign_out()
            raise

    async def _subscribe(self, command: Subscribe) -> None:
        response_id, after = str(command.response_id), command.starting_after
        over = await self._own(command.response_id) not in LIVE
        await self.follower.subscribe(response_id, after, command.stream_id, over=over)
        await self.follower.tell_queue(response_id, least=1)

    async def _enqueue(self, response: Response) -> None:
        """Wake a worker. What cannot be queued ends at once: accepted means exactly one end."""
        try:
            await enqueue(response)
        except QueueError:
            await end(self.log, str(response.id), Ending("failed", time.time(), "queue_unavailable"))

    async def _look(self) -> None:
        """Sign out if the session has ended. While nobody can tell, nothing is heard, and it looks again."""
        while not self._over:
            try:
                signed_in = await still_signed_in(self.scope)
            except UNAVAILABLE as error:
                logger.warning("a session could not be looked at: %s", type(error).__name__)
                await asyncio.sleep(LOOK_AGAIN_SECS)
                continue
            if not signed_in:
                await self._sign_out()
            return

    async def _sign_out(self) -> NoReturn:
        """The session has ended since the socket was opened."""
        await self._leave()  # first: what comes now is not theirs any more
        await self.send_text(CommandError("unauthenticated").encode())
        await self.close(SIGNED_OUT)
        raise StopConsumer

    async def _leave(self) -> None:
        """Be in no group any more; also the second time."""
        await self.follower.close()
        if self.scope["user"].is_authenticated:
            await self.channel_layer.group_discard(self._owner_group(), self.channel_name)

    def _owner_group(self) -> str:
        return owner_group(self.scope["user"].pk)

    async def _own(self, response_id: UUID) -> str:
        """The status that its row has. Raises CommandError if it is nobody's or somebody else's."""
        owned = Response.objects.filter(pk=response_id, owner_id=self.scope["user"].pk)
        statuses = owned.values_list("status", flat=True)
        status: str | None = await database_sync_to_async(statuses.first, thread_sensitive=False)()
        if status is None:
            raise CommandError("response_not_found", "response_id")
        return status


def _is_for_another(scope: dict[str, Any]) -> bool:
    """Whether the page was made for another user: somebody else has signed in in its browser since."""
    owners = parse_qs(scope["query_string"].decode("latin-1")).get("owner")
    return owners is not None and owners != [str(scope["user"].pk)]

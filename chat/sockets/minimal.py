"""The smallest form: join a group, enqueue a job, forward what the worker publishes.

`{"message": "start"}` returns `{"message": "Number 0"}` to `Number 9`; another message is a prompt for the
default model, whose text arrives as `{"message": "<text>"}`. `consumer.py` also reads the log, so it survives
a lost notification or socket.
"""

import json
import time

from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer

from chat.accounts.guests import create_guest
from chat.accounts.sessions import Identity, identity
from chat.protocol.commands import create, json_object
from chat.protocol.errors import SLOW_READER, CommandError
from chat.protocol.events import TERMINAL, Failed, TextDelta, decode
from chat.responses.creation import create_response, queue_response
from chat.responses.model_catalog import DEMO
from chat.sockets.session_consumer import SessionConsumer
from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.notifications import Message, group
from chat.transport.outages import UNAVAILABLE


class MinimalConsumer(SessionConsumer):
    """`/ws/openai/`: enqueue and listen; a worker calls the model."""

    groups: list[str]  # Channels leaves these when the socket closes
    counts: frozenset[str] = frozenset()  # counting responses: one frame per line

    async def connect(self) -> None:
        """Accept: the user is known, or may become a guest. With too many sockets, close."""
        if self.scope["user"].is_authenticated:
            await self.count()
            self.watch_session(identity(self.scope))
        await self.accept()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Create a response, join its group, then enqueue: no event can come earlier."""
        log = Log(redis_client.client())
        try:
            frame = text_data or ""
            self.rate.require_length(frame, time.monotonic())
            self.rate.require(None, time.monotonic())
            prompt = json_object(frame).get("message")
            model = DEMO if prompt == "start" else None
            command = create({"type": "response.create", "input": prompt, "model": model})
            await self._admit()
            response, _ = await create_response(self.scope["user"], command, log)
            self.counts |= {response.wire_id} if model else frozenset()
            self.groups.append(group(response.wire_id))
            await self.channel_layer.group_add(self.groups[-1], self.channel_name)
            await queue_response(response, log)
        except CommandError as refusal:
            await self.refuse(refusal)
        except UNAVAILABLE:
            await self.connection.send_text(CommandError("busy").encode())

    async def _admit(self) -> None:
        """Check the session; the first message of a client without one makes a guest for this socket."""
        if self.session is None:
            guest = await database_sync_to_async(create_guest, thread_sensitive=False)()
            self.scope["user"] = guest
            self.watch_session(Identity(guest.pk, None))
        await self.check_session()

    async def response_events(self, message: Message) -> None:
        """Forward published text; leave the group after the terminal event."""
        if self.connection.paused:  # it reads no log, so it cannot send the rest later
            await self._close_slow_reader()
        for event in map(decode, message["events"]):
            if isinstance(event, TextDelta):
                lines = message["response_id"] in self.counts
                for piece in event.delta.splitlines() if lines else [event.delta]:
                    await self.connection.send_text(json.dumps({"message": piece}))
            elif isinstance(event, Failed):
                await self.connection.send_text(json.dumps({"error": event.response["error"]}))
            if isinstance(event, TERMINAL):
                self.groups.remove(group(message["response_id"]))
                await self.channel_layer.group_discard(group(message["response_id"]), self.channel_name)

    async def leave(self) -> None:
        """Leave all groups."""
        for each in self.groups:
            await self.channel_layer.group_discard(each, self.channel_name)

    async def _close_slow_reader(self) -> None:
        await self.leave()
        await self.connection.send_text(CommandError("slow_reader").encode())
        await self.close(SLOW_READER)
        raise StopConsumer

"""The smallest form: join a group, enqueue a job, forward what the worker publishes.

`{"message": "start"}` returns `{"message": "Number 0"}` to `Number 9`; another message is a prompt for the
default model, whose text arrives as `{"message": "<text>"}`. `consumer.py` also reads the log, so it survives
a lost notification or socket.
"""

import json

from channels.generic.websocket import AsyncWebsocketConsumer

from chat.accounts.guests import visitor
from chat.protocol.commands import create, json_object
from chat.protocol.errors import CommandError
from chat.protocol.events import TERMINAL, Failed, TextDelta, decode
from chat.responses.creation import create_response, queue_response
from chat.responses.model_catalog import DEMO
from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.notifications import Message, group
from chat.transport.outages import UNAVAILABLE


class MinimalConsumer(AsyncWebsocketConsumer):
    """`/ws/openai/`: enqueue and listen; a worker calls the model."""

    groups: list[str]  # Channels leaves these when the socket closes
    counts: frozenset[str] = frozenset()  # counting responses: one frame per line

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Create a response, join its group, then enqueue: no event can come earlier."""
        log = Log(redis_client.client())
        try:
            prompt = json_object(text_data or "").get("message")
            model = DEMO if prompt == "start" else None
            command = create({"type": "response.create", "input": prompt, "model": model})
            response, _ = await create_response(await visitor(self.scope), command, log)
            self.counts |= {str(response.id)} if model else frozenset()
            self.groups.append(group(str(response.id)))
            await self.channel_layer.group_add(self.groups[-1], self.channel_name)
            await queue_response(response, log)
        except CommandError as refusal:
            await self.send(refusal.encode())
        except UNAVAILABLE:
            await self.send(CommandError("busy").encode())

    async def response_events(self, message: Message) -> None:
        """Forward published text; leave the group after the terminal event."""
        for event in map(decode, message["events"]):
            if isinstance(event, TextDelta):
                lines = message["response_id"] in self.counts
                for piece in event.delta.splitlines() if lines else [event.delta]:
                    await self.send(json.dumps({"message": piece}))
            elif isinstance(event, Failed):
                await self.send(json.dumps({"error": event.response["error"]}))
            if isinstance(event, TERMINAL):
                await self.channel_layer.group_discard(group(message["response_id"]), self.channel_name)

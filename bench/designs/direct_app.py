"""`direct`: the consumer calls the model itself. No queue; nothing survives the socket.

Common in tutorials; here asynchronous, with one shared client. Run by `daphne
bench.designs.direct_app:application`.
"""

import json
import os
from typing import Any

import django
import openai
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import path

settings.configure(
    SECRET_KEY=os.environ["SECRET_KEY"],
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["channels"],
)
django.setup()

urlpatterns: list[Any] = []
client = openai.AsyncOpenAI()


class DirectConsumer(AsyncWebsocketConsumer):
    """Answers a question, delta by delta."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Call the model, and send the deltas."""
        question = json.loads(text_data or "")
        stream = await client.chat.completions.create(
            model=question["model"], messages=[{"role": "user", "content": question["input"]}], stream=True
        )
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                await self.send(text_data=json.dumps({"delta": chunk.choices[0].delta.content}))
        await self.send(text_data=json.dumps({"done": True}))


application = ProtocolTypeRouter(
    {"http": get_asgi_application(), "websocket": URLRouter([path("ws/", DirectConsumer.as_asgi())])}
)

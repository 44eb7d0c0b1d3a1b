"""`textbook`: a Celery task in a prefork pool sends every delta to a group, as in tutorials.

Run by `daphne bench.designs.textbook_app:application` and `celery -A bench.designs.textbook_app worker`.
"""

import json
import os
import uuid
from typing import Any

import django
import openai
from asgiref.sync import async_to_sync
from celery import Celery
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import path

settings.configure(
    SECRET_KEY=os.environ["SECRET_KEY"],
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["channels"],
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            # without this redis-py 8 ends idle subscriptions after five seconds
            "CONFIG": {"hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None}]},
        }
    },
)
django.setup()

urlpatterns: list[Any] = []
app = Celery("textbook", broker=os.environ["REDIS_URL"])
app.conf.task_ignore_result = True
client = openai.OpenAI()


@app.task(name="textbook.answer")
def answer(group: str, model: str, prompt: str) -> None:
    """Call the model, and send the deltas to the group."""
    layer = get_channel_layer()
    send = async_to_sync(layer.group_send)
    stream = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": prompt}], stream=True
    )
    for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            send(group, {"type": "answer.delta", "delta": chunk.choices[0].delta.content})
    send(group, {"type": "answer.done"})


class TextbookConsumer(AsyncWebsocketConsumer):
    """Sends questions to a worker, and the group's messages to the browser."""

    async def connect(self) -> None:
        """Join an own group."""
        self.group = f"answer.{uuid.uuid4().hex}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Enqueue the question."""
        question = json.loads(text_data or "")
        answer.delay(self.group, question["model"], question["input"])

    async def answer_delta(self, event: dict[str, Any]) -> None:
        """Send a delta."""
        await self.send(text_data=json.dumps({"delta": event["delta"]}))

    async def answer_done(self, event: dict[str, Any]) -> None:
        """Send the end."""
        await self.send(text_data=json.dumps({"done": True}))


application = ProtocolTypeRouter(
    {"http": get_asgi_application(), "websocket": URLRouter([path("ws/", TextbookConsumer.as_asgi())])}
)

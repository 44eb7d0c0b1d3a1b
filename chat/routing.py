"""Socket URLs."""

from typing import Any

from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from chat.sockets.admission import Admission
from chat.sockets.consumer import ResponsesConsumer
from chat.sockets.minimal import MinimalConsumer

responses: Any = Admission(ResponsesConsumer.as_asgi())
minimal: Any = Admission(MinimalConsumer.as_asgi(), guests=True)

websocket_urlpatterns = [
    path("ws/responses/", responses),
    path("ws/openai/", minimal),
    re_path("", WebsocketDenier.as_asgi()),
]

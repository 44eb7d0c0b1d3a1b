"""Socket URLs."""

from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from chat.sockets.consumer import ResponsesConsumer
from chat.sockets.minimal import MinimalConsumer

websocket_urlpatterns = [
    path("ws/responses/", ResponsesConsumer.as_asgi()),
    path("ws/openai/", MinimalConsumer.as_asgi()),
    re_path("", WebsocketDenier.as_asgi()),
]

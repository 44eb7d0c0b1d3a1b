"""Socket URLs."""

from typing import Any

from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from chat.share_models import PATTERN
from chat.sockets.admission import Admission
from chat.sockets.consumer import ResponsesConsumer
from chat.sockets.minimal import MinimalConsumer
from chat.sockets.programs import KeyAdmission, ProgramConsumer
from chat.sockets.readers import ReadersConsumer, SharedAdmission

responses: Any = Admission(ResponsesConsumer.as_asgi())
minimal: Any = Admission(MinimalConsumer.as_asgi(), guests=True)
readers: Any = SharedAdmission(ReadersConsumer.as_asgi())
programs: Any = KeyAdmission(ProgramConsumer.as_asgi())

websocket_urlpatterns = [
    path("ws/responses/", responses),
    path("ws/openai/", minimal),
    re_path(f"^ws/shared/(?P<token>{PATTERN})/$", readers),
    re_path("", WebsocketDenier.as_asgi()),
]

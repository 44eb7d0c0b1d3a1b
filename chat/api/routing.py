"""Addresses below `/v1/`: one line for each."""

from typing import Any

from django.urls import path, re_path

from chat.api.catalogue import Model, Models
from chat.api.completions.endpoints import Completions, OneCompletion
from chat.api.conversations import (
    ConversationItem,
    ConversationItems,
    Conversations,
    OneConversation,
)
from chat.api.endpoint import UnknownUrl
from chat.api.files import FileContent, Files, OneFile
from chat.api.responses import Cancellation, InputItems, OneResponse, Responses

# Django's types want views
ENDPOINTS: list[tuple[str, Any]] = [
    ("chat/completions", Completions()),
    ("chat/completions/<str:completion_id>", OneCompletion()),
    ("conversations", Conversations()),
    ("conversations/<str:conversation_id>", OneConversation()),
    ("conversations/<str:conversation_id>/items", ConversationItems()),
    ("conversations/<str:conversation_id>/items/<str:item_id>", ConversationItem()),
    ("models", Models()),
    ("models/<path:name>", Model()),
    ("files", Files()),
    ("files/<str:file_id>", OneFile()),
    ("files/<str:file_id>/content", FileContent()),
    ("responses", Responses()),
    ("responses/compact", UnknownUrl()),
    ("responses/input_tokens", UnknownUrl()),
    ("responses/<str:response_id>", OneResponse()),
    ("responses/<str:response_id>/cancel", Cancellation()),
    ("responses/<str:response_id>/input_items", InputItems()),
]
unknown: Any = UnknownUrl()
http_urlpatterns = [*(path(route, endpoint) for route, endpoint in ENDPOINTS), re_path("", unknown)]

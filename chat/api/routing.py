"""Addresses below `/v1/`: one line for each."""

from typing import Any

from django.urls import path, re_path

from chat.api.catalogue import Model, Models
from chat.api.completions.endpoints import Completions, OneCompletion
from chat.api.endpoint import UnknownUrl
from chat.api.responses import Cancellation, InputItems, OneResponse, Responses

# Django's types want views
ENDPOINTS: list[tuple[str, Any]] = [
    ("chat/completions", Completions()),
    ("chat/completions/<str:completion_id>", OneCompletion()),
    ("models", Models()),
    ("models/<path:name>", Model()),
    ("responses", Responses()),
    ("responses/<str:response_id>", OneResponse()),
    ("responses/<str:response_id>/cancel", Cancellation()),
    ("responses/<str:response_id>/input_items", InputItems()),
]
unknown: Any = UnknownUrl()
http_urlpatterns = [*(path(route, endpoint) for route, endpoint in ENDPOINTS), re_path("", unknown)]

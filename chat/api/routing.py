"""Addresses below `/v1/`: one line for each."""

from typing import Any

from django.urls import path, re_path

from chat.api.catalogue import Model, Models
from chat.api.endpoint import UnknownUrl

# Django's types want views
ENDPOINTS: list[tuple[str, Any]] = [
    ("models", Models()),
    ("models/<path:name>", Model()),
]
unknown: Any = UnknownUrl()
http_urlpatterns = [*(path(route, endpoint) for route, endpoint in ENDPOINTS), re_path("", unknown)]

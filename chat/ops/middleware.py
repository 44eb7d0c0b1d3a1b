"""Health checks before the middleware that checks the Host header or redirects to https."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

from chat.ops.health import healthz, readyz

VIEWS = {"/healthz": healthz, "/readyz": readyz}  # as in `chat/urls.py`


@sync_and_async_middleware
def health_checks(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Answer `/healthz` and `/readyz` under any name: a probe sends an address as Host."""

    async def answer_async(request: HttpRequest) -> HttpResponse:
        view = VIEWS.get(request.path_info)
        response: Awaitable[HttpResponse] = view(request) if view else get_response(request)
        return await response

    def answer(request: HttpRequest) -> HttpResponse:
        view = VIEWS.get(request.path_info)
        response: HttpResponse = async_to_sync(view)(request) if view else get_response(request)
        return response

    return answer_async if iscoroutinefunction(get_response) else answer

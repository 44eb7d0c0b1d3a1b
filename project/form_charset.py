"""Refuse a form in another charset than UTF-8 before Django reads it: its error page reads it again."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils.decorators import sync_and_async_middleware

FORM = "application/x-www-form-urlencoded"


@sync_and_async_middleware
def utf8_forms(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Answer 400 to a form that is not UTF-8."""

    def answer(request: HttpRequest) -> Any:
        if request.content_type == FORM and (request.encoding or "utf-8").lower() != "utf-8":
            return HttpResponseBadRequest()
        return get_response(request)

    async def answer_later(request: HttpRequest) -> Any:
        response = answer(request)
        return response if isinstance(response, HttpResponse) else await response

    return answer_later if iscoroutinefunction(get_response) else answer

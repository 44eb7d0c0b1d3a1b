"""Ask at a sign-in whether to take the guest's conversations along: `chat/accounts/taking.py` does it.

The guest is known from the session that was the guest's, never from a request's fields: no user can take
another guest's work, or be given it.
"""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Literal, TypedDict
from uuid import UUID

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat.accounts.guests import is_guest
from chat.accounts.taking import count_conversations, take
from chat.conf import conf
from chat.conversations.announcements import announce_conversation
from chat.models import Conversation
from chat.responses.queueing import send_held
from chat.transport.notifications import notify_owner_to_recheck
from chat.transport.outages import UNAVAILABLE

KEY = "tailrace_guest"  # in the session of an account
MAX_ANNOUNCED = 50  # the first page of the list; other devices fetch the rest
ANNOUNCE_SECS = 2  # for all: the person waits for the next page

View = Callable[..., HttpResponseBase]


class FormerGuest(TypedDict):
    """The browser's user before the sign-in. `fate`: of the guest's work; None: not decided."""

    id: int
    fate: Literal["taken", "left"] | None


def former_guest(request: HttpRequest) -> FormerGuest | None:
    """The guest whose session became this one of an account.

    A guest without a row was taken: a parallel request may have stored less in the session.
    """
    found: FormerGuest | None = request.session.get(KEY)
    if found is None or found["fate"] == "taken" or _is_there(found["id"]):
        return found
    return FormerGuest(id=found["id"], fate="taken")


def _is_there(guest_id: int) -> bool:
    return get_user_model().objects.filter(pk=guest_id).exists()


def asking(view: View) -> View:
    """Wrap a sign-in page: a guest with conversations who signs in is asked, before the next page.

    The sign-in has ended the guest's session; the new one keeps the guest's id.
    """

    @functools.wraps(view)
    def ask(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        before = request.user
        guest_id = before.pk if before.is_authenticated and is_guest(before) else None
        response = view(request, *args, **kwargs)
        if guest_id is None or response.status_code != 302 or request.user.pk in (guest_id, None):
            return response
        return _ask(request, guest_id, response)

    return ask


def _ask(request: HttpRequest, guest_id: int, response: HttpResponseBase) -> HttpResponseBase:
    _keep(request, guest_id, None)
    async_to_sync(notify_owner_to_recheck)(guest_id)
    if count_conversations(guest_id):
        query = urlencode({"next": response.headers["Location"]})
        return HttpResponseRedirect(f"{reverse('guest_work')}?{query}")
    _take(request, guest_id)  # files of a draft, and deleted conversations
    return response


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def guest_work(request: HttpRequest) -> HttpResponse:
    """The question, and its answer: `work` is `take` or `leave`.

    Leads to the next page if nothing is undecided. A GET decides nothing.
    """
    page = _next(request)
    found = former_guest(request)
    if found is None or found["fate"] is not None:
        return HttpResponseRedirect(page)
    guest_id, answer = found["id"], request.POST.get("work")
    if answer == "take":
        _take(request, guest_id)
        return HttpResponseRedirect(page)
    if answer == "leave":
        _keep(request, guest_id, "left")
        return HttpResponseRedirect(page)
    context = {"count": count_conversations(guest_id), "days": conf.GUEST_DAYS, "next": page}
    return render(request, "account/guest_work.html", context)


def _take(request: HttpRequest, guest_id: int) -> None:
    assert request.user.pk is not None  # signed in
    newest = Conversation.objects.visible_to(guest_id).newest_first().values_list("pk", flat=True)
    ids = list(newest[:MAX_ANNOUNCED])
    taken = take(guest_id, request.user.pk)
    _keep(request, guest_id, "taken")  # also after a double click: the browser's own store follows
    if taken:
        request.session.save()  # before the pages of other devices are notified
        _announce(request.user.pk, ids)


def _keep(request: HttpRequest, guest_id: int, fate: Literal["taken", "left"] | None) -> None:
    request.session[KEY] = FormerGuest(id=guest_id, fate=fate)


def _announce(owner_id: int, conversation_ids: list[UUID]) -> None:
    """Send the responses for which there is room now, and show the conversations on other devices."""
    if not connection.in_atomic_block:
        connection.close()  # the coroutine needs one of the same pool

    async def notify() -> None:
        with suppress(*UNAVAILABLE):  # the reaper sends them
            await send_held(owner_id)
        for conversation_id in conversation_ids:
            await announce_conversation(conversation_id)

    async_to_sync(_at_most)(notify())


async def _at_most(work: Coroutine[Any, Any, None]) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(work, ANNOUNCE_SECS)


def _next(request: HttpRequest) -> str:
    """The page after the question, of this site only."""
    asked = request.POST.get("next", request.GET.get("next", ""))
    is_ours = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    return asked if is_ours else resolve_url(settings.LOGIN_REDIRECT_URL)

"""Visitors without an account: a guest user is made at the first visit, if the settings allow it."""

import functools
from collections.abc import Callable
from typing import Any, cast

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user, get_user_model, login
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from chat.identity import new_id
from chat.protocol.errors import CommandError

BACKEND = "django.contrib.auth.backends.ModelBackend"
View = Callable[..., HttpResponse]


def create_guest() -> User:
    """A user that nobody can sign in as: it lives as long as its session."""
    return get_user_model().objects.create_user(f"guest-{new_id().hex}")


async def visitor(scope: dict[str, Any]) -> AbstractBaseUser:
    """The user of a socket, or a guest of its own. Raises CommandError after a logout, or without guests."""
    if scope["user"].is_authenticated:
        if not await still_signed_in(scope):
            raise CommandError("unauthenticated")
        return cast("AbstractBaseUser", scope["user"])
    if not settings.GUESTS:
        raise CommandError("unauthenticated")
    if "guest" not in scope:
        scope["guest"] = await database_sync_to_async(create_guest, thread_sensitive=False)()
    return cast("AbstractBaseUser", scope["guest"])


async def still_signed_in(scope: dict[str, Any]) -> bool:
    """Whether the session that opened the socket still is that of its user: not after a logout."""
    # a thread of its own choice: Channels' get_user would queue the commands of all sockets behind each other
    return bool(await database_sync_to_async(is_signed_in, thread_sensitive=False)(scope))


def is_signed_in(scope: dict[str, Any]) -> bool:
    """The same, for who is in a thread already."""
    return bool(scope["user"].is_authenticated and _user_now(scope["session"]).pk == scope["user"].pk)


def _user_now(session: SessionBase) -> AbstractBaseUser | AnonymousUser:
    """Whom the session belongs to now, its password not having changed."""
    request = HttpRequest()
    request.session = session.__class__(session.session_key)
    return get_user(request)


def for_visitors(view: View) -> Callable[..., HttpResponseBase]:
    """Let a view in for users and guests; anybody else signs in first."""

    @functools.wraps(view)
    def admit(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            if not settings.GUESTS:
                return redirect_to_login(request.get_full_path())
            login(request, create_guest(), backend=BACKEND)
        return view(request, *args, **kwargs)

    return admit

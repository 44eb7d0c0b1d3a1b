"""Guests: users without an account."""

import functools
from collections.abc import Callable
from typing import Any, cast

from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model, login
from django.contrib.auth.models import AbstractBaseUser, User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from chat.accounts.sessions import is_valid
from chat.conf import conf
from chat.ids import new_id
from chat.protocol.errors import CommandError

BACKEND = "django.contrib.auth.backends.ModelBackend"
View = Callable[..., HttpResponse]


def create_guest() -> User:
    """Create a user without a password: only its session gives access."""
    return get_user_model().objects.create_user(f"guest-{new_id().hex}")


async def visitor(scope: dict[str, Any]) -> AbstractBaseUser:
    """The socket's user or guest. Raises CommandError after a sign-out, or without guests."""
    if scope["user"].is_authenticated:
        if not await is_valid(scope):
            raise CommandError("unauthenticated")
        return cast("AbstractBaseUser", scope["user"])
    if not conf.GUESTS:
        raise CommandError("unauthenticated")
    if "guest" not in scope:
        scope["guest"] = await database_sync_to_async(create_guest, thread_sensitive=False)()
    return cast("AbstractBaseUser", scope["guest"])


def for_visitors(view: View) -> Callable[..., HttpResponseBase]:
    """Admit users and, if enabled, guests; others sign in first."""

    @functools.wraps(view)
    def admit(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            if not conf.GUESTS:
                return redirect_to_login(request.get_full_path())
            login(request, create_guest(), backend=BACKEND)
        return view(request, *args, **kwargs)

    return admit

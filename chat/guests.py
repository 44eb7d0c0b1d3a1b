"""Visitors without an account: a guest user is made at the first visit, if the settings allow it."""

import functools
from collections.abc import Callable
from typing import Any

from channels.auth import get_user
from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.contrib.auth.models import AbstractBaseUser, User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from chat.identity import new_id
from chat.protocol.errors import CommandError

BACKEND = "django.contrib.auth.backends.ModelBackend"
View = Callable[..., HttpResponse]


def create_guest() -> User:
    """A user that nobody can sign in as: it lives as long as its session."""
    return get_user_model().objects.create_user(f"guest-{new_id().hex}")


def visitor(scope: dict[str, Any]) -> AbstractBaseUser:
    """The user of a socket; a guest if there is none. Raises CommandError without guests."""
    user: AbstractBaseUser = scope["user"]
    if not user.is_authenticated:
        if not settings.GUESTS:
            raise CommandError("unauthenticated")
        user = scope["user"] = create_guest()
    return user


async def still_signed_in(scope: dict[str, Any]) -> bool:
    """Whether the session that opened the socket still is that of its user: not after a logout."""
    if not scope["user"].is_authenticated:
        return False
    session = scope["session"].__class__(scope["session"].session_key)
    user = await get_user({"session": session})
    return bool(user.pk == scope["user"].pk)


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

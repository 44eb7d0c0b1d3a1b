"""Guests: users without an account."""

import functools
import re
from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model, login
from django.contrib.auth.models import AbstractBaseUser, User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from chat.conf import conf
from chat.ids import new_id

GUEST_NAME = re.compile(r"guest-[0-9a-f]{32}")
BACKEND = "django.contrib.auth.backends.ModelBackend"
GUEST = "guest-"  # begins the name; no password can be used
View = Callable[..., HttpResponse]


def create_guest() -> User:
    """Create a user without a password: only its session gives access."""
    return get_user_model().objects.create_user(f"{GUEST}{new_id().hex}")


def is_guest(user: AbstractBaseUser) -> bool:
    """Whether `create_guest` made this user: no person chooses such a name."""
    return GUEST_NAME.fullmatch(user.get_username()) is not None


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

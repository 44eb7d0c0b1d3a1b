"""Guests: users without an account."""

import functools
from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model, login
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from chat.conf import conf
from chat.ids import new_id

BACKEND = "django.contrib.auth.backends.ModelBackend"
View = Callable[..., HttpResponse]


def create_guest() -> User:
    """Create a user without a password: only its session gives access."""
    return get_user_model().objects.create_user(f"guest-{new_id().hex}")


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

"""Guests: users without an account, made with a visitor's first message."""

import functools
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.contrib.auth.models import AbstractBaseUser, User
from django.contrib.auth.views import redirect_to_login
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.crypto import salted_hmac

from chat.accounts.renewal import renew_visit
from chat.conf import conf
from chat.ids import new_id
from chat.protocol.errors import CommandError

BACKEND = "django.contrib.auth.backends.ModelBackend"
GUEST = "guest-"  # begins the name; no password can be used
GUEST_NAME = re.compile(f"{GUEST}[0-9a-f]{{32}}")
SAME_GUEST_SECS = 10  # in which tabs of one browser get the same guest

View = Callable[..., HttpResponse]


def create_guest(name: str = "") -> User:
    """Create a user without a password: only its session gives access."""
    return get_user_model().objects.create_user(GUEST + (name or new_id().hex))


def is_guest(user: AbstractBaseUser) -> bool:
    """Whether `create_guest` made this user: no person chooses such a name."""
    return GUEST_NAME.fullmatch(user.get_username()) is not None


def admit_guest(request: HttpRequest) -> User:
    """The request's guest; a visitor without a user becomes one, with a session.

    Raises CommandError without guests, and for a user with an account: the page of a visitor would send its
    messages as that user's.
    """
    if request.user.is_authenticated:
        if not is_guest(request.user):
            raise CommandError("unauthenticated")
        return request.user
    if not conf.GUESTS:
        raise CommandError("unauthenticated")
    guest = _guest_of_browser(request)
    login(request, guest, backend=BACKEND)
    return guest


def _guest_of_browser(request: HttpRequest) -> User:
    """One guest for requests at the same time: tabs share the CSRF secret, which `login` renews."""
    secret = request.COOKIES.get(settings.CSRF_COOKIE_NAME)
    if not secret:
        return create_guest()
    # another site of the host name can set the cookie, but has another address and browser
    browser = [secret, request.META.get("REMOTE_ADDR", ""), request.headers.get("User-Agent", "")]
    name = salted_hmac("tailrace.guest", "\n".join(browser), algorithm="sha256").hexdigest()[:32]
    try:
        with transaction.atomic():
            return create_guest(name)
    except IntegrityError:
        guest = get_user_model().objects.get_by_natural_key(GUEST + name)
    is_recent = guest.date_joined > timezone.now() - timedelta(seconds=SAME_GUEST_SECS)
    return guest if is_recent and guest.is_active and is_guest(guest) else create_guest()


def for_visitors(view: View) -> Callable[..., HttpResponseBase]:
    """Admit users and, if enabled, visitors without one, who may become guests; others sign in first.

    A visit extends the session.
    """

    @functools.wraps(view)
    def admit(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated and not conf.GUESTS:
            return redirect_to_login(request.get_full_path())
        response = view(request, *args, **kwargs)
        if request.user.is_authenticated:
            renew_visit(request, response)
        return response

    return admit

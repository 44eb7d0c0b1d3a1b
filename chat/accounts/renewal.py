"""Extend sessions: their time counts from the last visit or command, not from the sign-in."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

LEAST_STEP = timedelta(days=1)  # between two writes, or a tenth of the session's age if that is less
FIXED = "_session_expiry"  # Django's: the expiry was set for this session alone


def is_due(expires_at: datetime | None, now: datetime) -> bool:
    """Whether to extend a session that expires then."""
    return expires_at is not None and now < expires_at < now + _age() - min(_age() / 10, LEAST_STEP)


def renew(session: SessionBase) -> bool:
    """Extend a session in the database if it is due. False: it has ended. Blocks.

    A conditional UPDATE: a session that has ended meanwhile stays ended.
    """
    if FIXED in session or not hasattr(session, "get_model_class"):
        return True
    now = timezone.now()
    rows = session.get_model_class()._default_manager.filter(session_key=session.session_key)  # noqa: SLF001
    found = rows.values_list("expire_date", flat=True).first()
    if is_due(found, now) and rows.filter(expire_date=found).update(expire_date=now + _age()):
        # as of a sign-in: guests without a visit are deleted
        get_user_model().objects.filter(pk=session.get(SESSION_KEY, 0)).update(last_login=now)
    return found is not None


def renew_visit(request: HttpRequest, response: HttpResponseBase) -> None:
    """Extend a page's session, and its cookie in the browser."""
    session = request.session
    if not hasattr(session, "get_model_class"):
        session.modified = True  # outside the database it is saved at each visit
        return
    is_alive = renew(session)  # else the cookie would replace that of another tab's sign-in
    if is_alive and FIXED not in session and not session.get_expire_at_browser_close():
        response.set_cookie(
            settings.SESSION_COOKIE_NAME,
            session.session_key or "",
            max_age=settings.SESSION_COOKIE_AGE,
            domain=settings.SESSION_COOKIE_DOMAIN,
            path=settings.SESSION_COOKIE_PATH,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=settings.SESSION_COOKIE_HTTPONLY,
            samesite=settings.SESSION_COOKIE_SAMESITE,
        )


def _age() -> timedelta:
    return timedelta(seconds=settings.SESSION_COOKIE_AGE)

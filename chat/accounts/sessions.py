"""Whether the session that opened a socket still is that of its user: asked before every command.

Django reads the session, then the user, and compares the two. To make these queries takes ten times as long
as to answer them. So while both rows are what they were when Django said yes, one look at them is enough.
"""

from typing import Any

from channels.db import database_sync_to_async
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.db import connection
from django.http import HttpRequest
from django.utils import timezone

Rows = tuple[Any, ...]  # what a sign-in hangs on: the session's data, the user's password and being active


async def still_signed_in(scope: dict[str, Any]) -> bool:
    """Whether the session that opened the socket still is that of its user: not after a logout."""
    # a thread of its own choice: Channels' get_user would queue the commands of all sockets behind each other
    return bool(await database_sync_to_async(is_signed_in, thread_sensitive=False)(scope))


def is_signed_in(scope: dict[str, Any]) -> bool:
    """The same, for who is in a thread already."""
    user = scope["user"]
    if not user.is_authenticated:
        return False
    session = scope["session"]
    rows = _rows(session, user)
    if rows is not None and rows == scope.get("signed_in_by"):
        return True
    if _user_now(session).pk != user.pk:
        return False
    scope["signed_in_by"] = rows
    return True


def _rows(session: SessionBase, user: AbstractBaseUser) -> Rows | None:
    """The rows as they are now; None without them, or where sessions are not kept in the database."""
    if not hasattr(session, "model"):
        return None
    sessions, users = session.model._meta, user._meta  # noqa: SLF001 - Django documents it
    quote = connection.ops.quote_name
    query = (
        "SELECT s.session_data, u.password, u.is_active"  # noqa: S608 - the names are the models' own
        f" FROM {quote(sessions.db_table)} s, {quote(users.db_table)} u"
        f" WHERE s.session_key = %s AND s.expire_date > %s AND u.{quote(str(users.pk.column))} = %s"
    )
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(query, [session.session_key, now, user.pk])
        found: Rows | None = cursor.fetchone()
        return found


def _user_now(session: SessionBase) -> AbstractBaseUser | AnonymousUser:
    """Whom the session belongs to now, its password not having changed."""
    request = HttpRequest()
    request.session = session.__class__(session.session_key)
    return get_user(request)

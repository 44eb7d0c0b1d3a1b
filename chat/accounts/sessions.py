"""Session check of a socket."""

from typing import Any

from channels.db import database_sync_to_async
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest


async def is_valid(scope: dict[str, Any]) -> bool:
    """Whether the session still belongs to its user, by Django's own check.

    Uses its own thread: Channels' `get_user` would queue the commands of all sockets.
    """
    if not scope["user"].is_authenticated:
        return False
    check = database_sync_to_async(_belongs_to, thread_sensitive=False)
    return bool(await check(scope["session"], scope["user"]))


def _belongs_to(session: SessionBase, user: AbstractBaseUser) -> bool:
    request = HttpRequest()
    request.session = session.__class__(session.session_key)  # reload: ours dates from the socket's opening
    return bool(get_user(request).pk == user.pk)

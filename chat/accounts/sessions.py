"""Whether a socket's session is still valid: Django's own check of the session and its user.

arrow in: `sockets/consumer.py`, `guests.visitor` · arrow out: the rows of the session and the user
"""

from typing import Any

from channels.db import database_sync_to_async
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest


async def is_valid(scope: dict[str, Any]) -> bool:
    """Whether the session that opened the socket still belongs to its user: not after a sign-out.

    A thread of its own: the `get_user` of Channels would queue the commands of all sockets behind each other.
    """
    if not scope["user"].is_authenticated:
        return False
    check = database_sync_to_async(_belongs_to, thread_sensitive=False)
    return bool(await check(scope["session"], scope["user"]))


def _belongs_to(session: SessionBase, user: AbstractBaseUser) -> bool:
    request = HttpRequest()
    request.session = session.__class__(
        session.session_key
    )  # loaded afresh: ours is from the socket's opening
    return bool(get_user(request).pk == user.pk)

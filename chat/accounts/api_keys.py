"""Create, find and revoke API keys; watch the keys of open streams and sockets.

The notification of a revocation is faster than the watch, but Redis may lose it; an expiry and SQL send none.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from weakref import WeakKeyDictionary

from asgiref.sync import async_to_sync
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from chat.accounts.guests import is_guest
from chat.accounts.owner_lock import lock_owner
from chat.accounts.session_watch import SessionWatch
from chat.conf import conf
from chat.key_models import HINT_CHARS, PREFIX, ApiKey, digest, new_text
from chat.protocol.errors import CommandError
from chat.transport.notifications import notify_owner_to_recheck

MAX_KEYS = 50  # of one owner, without those that have ended
MAX_ENDED = 50  # of one owner, as records: a new key deletes the oldest of more
MAX_CHARS = 100  # of a text that may be a key: a longer one is not hashed
SCHEME = "bearer"


def may_have_keys(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether this user, or a visitor without one, may make keys."""
    if not isinstance(user, AnonymousUser) and not is_guest(user):
        return True
    return conf.GUEST_KEYS


@sensitive_variables("text")
@transaction.atomic
def create_key(owner: AbstractBaseUser, name: str, expires_at: datetime | None = None) -> tuple[ApiKey, str]:
    """Create a key, and return it with its text, which is stored nowhere. Blocks.

    Raises CommandError at MAX_KEYS, and for a guest who may have none.
    """
    if not may_have_keys(owner):
        raise CommandError("account_required")
    lock_owner(owner.pk)
    keys = ApiKey.objects.filter(owner_id=owner.pk)
    if keys.live().count() >= MAX_KEYS:
        raise CommandError("too_many_keys")
    ended = keys.exclude(pk__in=keys.live().values("pk")).order_by("-id")
    keys.filter(pk__in=list(ended.values_list("pk", flat=True)[MAX_ENDED:])).delete()
    text = new_text()
    return keys.create(
        owner_id=owner.pk, name=name, digest=digest(text), hint=text[-HINT_CHARS:], expires_at=expires_at
    ), text


@sensitive_variables("text")
def find_key(text: str) -> ApiKey | None:
    """The usable key with this text, and its owner; its use is noted. Blocks.

    None: unknown, revoked or expired, or its owner is not active.
    """
    if not text.startswith(PREFIX) or len(text) > MAX_CHARS:
        return None
    key = ApiKey.objects.with_digest(digest(text))
    if key is not None:
        ApiKey.objects.note_use(key)
    return key


def bearer(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The token of a request's `Authorization: Bearer`, from its ASGI headers; empty without one."""
    for name, value in headers:
        if name.lower() == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            return token.strip() if scheme.lower() == SCHEME else ""
    return ""


@transaction.atomic
def revoke_key(key: ApiKey) -> bool:
    """End a key; its owner's streams and sockets check theirs. False: it had been revoked. Blocks."""
    if not ApiKey.objects.filter(pk=key.pk).revoke():
        return False
    notify_owner(key)
    return True


def notify_owner(key: ApiKey) -> None:
    """After the commit, the owner's streams and sockets check theirs: this key has ended. Blocks."""

    def notify() -> None:
        async_to_sync(notify_owner_to_recheck)(key.owner_id)

    transaction.on_commit(notify, robust=True)


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, SessionWatch] = WeakKeyDictionary()


def key_watch() -> SessionWatch:
    """The running loop's watch; the identity is a key's id."""
    return _watches.setdefault(asyncio.get_running_loop(), SessionWatch(ApiKey.objects.expiries))

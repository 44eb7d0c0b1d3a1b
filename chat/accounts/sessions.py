"""Check sessions, any number at once: one query for them, one for their users."""

import itertools
from collections.abc import Collection, Iterator
from datetime import datetime
from importlib import import_module
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone
from django.utils.crypto import constant_time_compare

KEYS_PER_QUERY = 500  # SQLite allows 999 values in older versions

Found = tuple[dict[str, Any], datetime | None]  # a session's data and expiry


class Identity(NamedTuple):
    """A socket's user and session."""

    user_id: Any
    session_key: str | None  # None: a guest of one socket


def identity(scope: dict[str, Any]) -> Identity:
    """The user and session of a handshake."""
    return Identity(scope["user"].pk, scope["session"].session_key)


def valid(identities: Collection[Identity]) -> dict[Identity, datetime | None]:
    """Those whose session still belongs to an active user, with its expiry if known. Blocks."""
    sessions: dict[str, Found] = {}
    for keys in _batches({each.session_key for each in identities if each.session_key}):
        sessions |= _sessions(keys)
    users = get_user_model()._default_manager.in_bulk({each.user_id for each in identities})  # noqa: SLF001
    found = {}
    for each in identities:
        data, expires_at = sessions.get(each.session_key or "", ({}, None))
        user = users.get(each.user_id)
        if user and user.is_active and (each.session_key is None or _belongs_to(data, user)):
            found[each] = expires_at
    return found


def _sessions(keys: Collection[str]) -> dict[str, Found]:
    """The sessions that exist and have not expired; one query if they are in the database."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    if not hasattr(store, "get_model_class"):
        return {key: (store(key).load(), None) for key in keys}
    rows = store.get_model_class()._default_manager.filter(  # noqa: SLF001 - documented by Django
        session_key__in=keys, expire_date__gt=timezone.now()
    )
    return {row.session_key: (row.get_decoded(), row.expire_date) for row in rows}


def _belongs_to(data: dict[str, Any], user: AbstractBaseUser) -> bool:
    """Django's check of a request, without its side effects on the session."""
    if data.get(SESSION_KEY) != user._meta.pk.value_to_string(user):  # noqa: SLF001 - as `login` stores it
        return False
    if data.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return False
    hashes = itertools.chain([user.get_session_auth_hash()], user.get_session_auth_fallback_hash())
    return any(constant_time_compare(data.get(HASH_SESSION_KEY, ""), known) for known in hashes)


def _batches(keys: Collection[str]) -> Iterator[list[str]]:
    iterator = iter(keys)
    while batch := list(itertools.islice(iterator, KEYS_PER_QUERY)):
        yield batch

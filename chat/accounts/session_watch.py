"""End the sockets of ended sessions: one check per process, of all its sockets.

The notifications of `revocation.py` are faster, but Redis may lose them; an expiry, SQL and `QuerySet.update`
send none.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.utils import timezone

from chat.accounts.sessions import Identity, valid
from chat.transport.outages import UNAVAILABLE

CHECK_SECS = 4  # with its query less than 5 s
RETRY_SECS = 1  # while the database is unavailable
TRUST_SECS = 5  # a command checks the session if the last check is older

logger = logging.getLogger(__name__)


Check = Callable[[Collection[Any]], dict[Any, datetime | None]]


def _check_sessions(identities: Collection[Identity]) -> dict[Identity, datetime | None]:
    return valid(identities)


class WatchedSession:
    """The session of one socket. `on_end` is called at most once, on the event loop."""

    def __init__(
        self, identity: Hashable, on_end: Callable[[], None], check: Check = _check_sessions
    ) -> None:
        self.identity, self.on_end = identity, on_end
        self._check = check
        self.expires_at: datetime | None = None
        self._trusted_until = time.monotonic() + TRUST_SECS  # the handshake has checked it

    async def is_valid(self) -> bool:
        """Check, unless a check is at most TRUST_SECS old. Raises a database error."""
        return time.monotonic() < self._trusted_until or await self.check()

    async def check(self) -> bool:
        """Check now."""
        self._trusted_until = 0.0
        begun = time.monotonic()
        return self.update(await _valid(self._check, [self.identity]), begun)

    def update(self, found: Mapping[Any, datetime | None], begun: float) -> bool:
        """Apply the result of a check. Returns whether the session is valid."""
        is_valid = self.identity in found
        self.expires_at = found.get(self.identity)
        self._trusted_until = begun + TRUST_SECS if is_valid else 0.0
        return is_valid


class SessionWatch:
    """The sessions of an event loop's sockets.

    `check`: the valid ones of identities, with their expiry if known; blocks. By another check it watches
    another kind of access (`chat/sharing/watch.py`).
    """

    def __init__(self, check: Check = _check_sessions) -> None:
        self._valid = check
        self._watched: set[WatchedSession] = set()
        self._checking: asyncio.Task[None] | None = None

    def add(self, identity: Hashable, on_end: Callable[[], None]) -> WatchedSession:
        """Watch a socket's session until `remove`."""
        session = WatchedSession(identity, on_end, self._valid)
        self._watched.add(session)
        if self._checking is None:
            self._checking = asyncio.create_task(self._check_regularly())
        return session

    def remove(self, session: WatchedSession) -> None:
        """Watch it no longer. Idempotent."""
        self._watched.discard(session)
        if not self._watched and self._checking is not None:
            self._checking.cancel()
            self._checking = None

    async def _check_regularly(self) -> None:
        pause: float = CHECK_SECS
        while True:
            await asyncio.sleep(pause)
            pause = CHECK_SECS
            try:
                await self._check()
            except UNAVAILABLE as error:
                logger.warning("sessions could not be checked: %s", type(error).__name__)
                pause = RETRY_SECS
            except Exception:
                logger.exception("sessions could not be checked")

    async def _check(self) -> None:
        watched, begun = list(self._watched), time.monotonic()
        self._end(filter(_has_expired, watched))  # known without the database
        async with asyncio.timeout(CHECK_SECS):  # the next expiry must not wait
            found = await _valid(self._valid, {session.identity for session in watched})
        self._end(session for session in watched if not session.update(found, begun))

    def _end(self, sessions: Iterable[WatchedSession]) -> None:
        for session in sessions:
            if session in self._watched:
                self._watched.remove(session)  # `remove` would cancel this check
                asyncio.get_running_loop().call_soon(session.on_end)


def _has_expired(session: WatchedSession) -> bool:
    return session.expires_at is not None and session.expires_at <= timezone.now()


async def _valid(check: Check, identities: Collection[Any]) -> dict[Any, datetime | None]:
    """Not in Channels' one thread, which would queue the commands of all sockets."""
    found: dict[Any, datetime | None] = await database_sync_to_async(check, thread_sensitive=False)(
        identities
    )
    return found


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, SessionWatch] = WeakKeyDictionary()


def session_watch() -> SessionWatch:
    """The running loop's watch."""
    return _watches.setdefault(asyncio.get_running_loop(), SessionWatch())

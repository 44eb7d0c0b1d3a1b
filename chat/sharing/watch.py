"""End the sockets of ended links: one check per process, as for sessions.

The notification of a revocation is faster, but Redis may lose it; a deleted owner and SQL send none.
"""

import asyncio
from collections.abc import Collection
from datetime import datetime
from uuid import UUID
from weakref import WeakKeyDictionary

from chat.accounts.session_watch import SessionWatch
from chat.sharing.links import live_ids

_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, SessionWatch] = WeakKeyDictionary()


def share_watch() -> SessionWatch:
    """The running loop's watch."""
    return _watches.setdefault(asyncio.get_running_loop(), SessionWatch(_valid))


def _valid(share_ids: Collection[UUID]) -> dict[UUID, datetime | None]:
    return dict.fromkeys(live_ids(set(share_ids)))

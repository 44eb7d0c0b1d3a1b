"""Bound the requests by which an owner's programs ask models in a minute, over HTTP and sockets together."""

from chat.conf import conf
from chat.protocol.errors import CommandError
from chat.transport import counters
from chat.transport.counters import Count

WINDOW_SECS = 60


async def count_request(owner_id: int) -> Count | None:
    """Count a request. Returns the requests of this minute; None: they have no limit."""
    if not conf.API_REQUESTS_PER_MINUTE:
        return None
    (found,) = await counters.add([f"api:{owner_id}"], WINDOW_SECS)
    return found


def require_rate(count: Count | None) -> None:
    """Raise CommandError beyond the limit."""
    if count is not None and count.value > conf.API_REQUESTS_PER_MINUTE:
        raise CommandError("too_many_requests", retry_after=count.secs_left)

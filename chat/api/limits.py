"""Bound the requests of an owner's programs in a minute."""

import math

from chat.api.exchange import Exchange
from chat.conf import conf
from chat.protocol.errors import CommandError
from chat.transport import counters

WINDOW_SECS = 60


async def count_request(exchange: Exchange) -> None:
    """Count a request that asks a model, and add OpenAI's headers. Raises CommandError beyond the limit."""
    most = conf.API_REQUESTS_PER_MINUTE
    if not most:
        return
    (found,) = await counters.add([f"api:{exchange.owner.pk}"], WINDOW_SECS)
    exchange.reply_headers |= {
        "x-ratelimit-limit-requests": str(most),
        "x-ratelimit-remaining-requests": str(max(most - found.value, 0)),
        "x-ratelimit-reset-requests": f"{math.ceil(found.secs_left)}s",
    }
    if found.value > most:
        raise CommandError("too_many_requests", retry_after=found.secs_left)

"""Bound the requests of an owner's programs in a minute."""

import math

from chat.accounts import program_rate
from chat.api.exchange import Exchange
from chat.conf import conf


async def count_request(exchange: Exchange) -> None:
    """Count a request that asks a model, and add OpenAI's headers. Raises CommandError beyond the limit."""
    found = await program_rate.count_request(exchange.owner.pk)
    if found is None:
        return
    most = conf.API_REQUESTS_PER_MINUTE
    exchange.reply_headers |= {
        "x-ratelimit-limit-requests": str(most),
        "x-ratelimit-remaining-requests": str(max(most - found.value, 0)),
        "x-ratelimit-reset-requests": f"{math.ceil(found.secs_left)}s",
    }
    program_rate.require_rate(found)

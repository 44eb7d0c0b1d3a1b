"""Cancellations for all workers: the sender does not know which has the response."""

from channels.layers import get_channel_layer

from chat.transport.notifications import WORKERS
from chat.transport.outages import retry
from workers.generation.attempts import Attempts

JOIN_RETRY_SECS = 1


async def listen(attempts: Attempts) -> None:
    """Cancel attempts on request, for ever."""
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await retry("cannot listen to cancellations", lambda: layer.group_add(WORKERS, channel), JOIN_RETRY_SECS)
    while True:
        message = await layer.receive(channel)
        attempts.cancel(message["response_id"])

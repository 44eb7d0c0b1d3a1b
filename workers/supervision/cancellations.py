"""Cancellations from the web side: it does not know which worker has a response, so every worker listens.

arrow in: `chat/transport/notifications.py`, the group `workers` · arrow out: `generation`
"""

from channels.layers import get_channel_layer

from chat.transport.notifications import WORKERS
from chat.transport.outages import retry
from workers.generation.attempts import Attempts

JOIN_RETRY_SECS = 1


async def listen(attempts: Attempts) -> None:
    """Cancel the attempts that the web side names, until cancelled itself."""
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await retry("cannot listen to cancellations", lambda: layer.group_add(WORKERS, channel), JOIN_RETRY_SECS)
    while True:
        message = await layer.receive(channel)
        attempts.cancel(message["response_id"])

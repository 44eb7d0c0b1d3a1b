"""Orders from the web side: whoever presses Stop does not know which worker has the answer, so all hear it.

arrow in: `chat/transport/notifications.py`, the group `workers` · arrow out: `generation`
"""

import asyncio
from typing import Any

from channels.layers import get_channel_layer

from chat.transport.channel_layer import LayerError
from chat.transport.notifications import WORKERS
from workers.generation.attempts import Attempts

AGAIN_SECS = 1  # before joining is tried again


async def listen(attempts: Attempts) -> None:
    """Cancel whatever the web side says, until cancelled."""
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await _join(layer, channel)
    while True:
        order = await layer.receive(channel)
        attempts.cancel(order["response_id"])


async def _join(layer: Any, channel: str) -> None:
    """Join the group of all workers, as soon as Redis is there."""
    while True:
        try:
            await layer.group_add(WORKERS, channel)
        except (OSError, LayerError):  # OSError: a time limit, too
            await asyncio.sleep(AGAIN_SECS)
        else:
            return

"""Orders from the web side: whoever presses Stop does not know which worker has the answer, so all hear it.

arrow in: `chat/hints.py`, the group `workers` · arrow out: `generation`
"""

from channels.layers import get_channel_layer

from chat.hints import WORKERS
from workers.generation import Generation


async def obey(generation: Generation) -> None:
    """Cancel whatever the web side says, until cancelled."""
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(WORKERS, channel)
    while True:
        order = await layer.receive(channel)
        generation.cancel(order["response_id"])

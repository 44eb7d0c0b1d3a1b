"""Send the messages of events that webhooks have not accepted, in the worker that leads (see `reaper.py`)."""

import asyncio
import logging

from chat.transport.heartbeats import Heartbeats
from chat.transport.outages import UNAVAILABLE
from chat.webhooks.sending import send_due

logger = logging.getLogger(__name__)

LOOK_SECS = 5


class Resender:
    """Sends them while this process leads."""

    def __init__(self, worker_id: str, heartbeats: Heartbeats) -> None:
        self._worker_id, self._heartbeats = worker_id, heartbeats

    async def run(self) -> None:
        """Look for ever, every LOOK_SECS."""
        while True:
            await asyncio.sleep(LOOK_SECS)
            try:
                await self.look()
            except UNAVAILABLE as error:
                logger.warning("events are sent to webhooks later: %s", type(error).__name__)

    async def look(self) -> None:
        """Send the messages that are due, if this process leads."""
        if await self._heartbeats.lead(self._worker_id):
            await send_due()

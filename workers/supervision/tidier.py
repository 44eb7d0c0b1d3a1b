"""Delete old rows every hour, in the worker that leads (see `reaper.py`)."""

import asyncio
import logging
import time
from collections import Counter

from channels.db import database_sync_to_async
from django.utils import timezone

from chat.conf import conf
from chat.retention.tidying import pause_secs, tidy
from chat.transport.heartbeats import Heartbeats
from chat.transport.outages import UNAVAILABLE

logger = logging.getLogger(__name__)

EVERY_SECS = 3600
LOOK_SECS = 60  # between two checks of time and lead


class Tidier:
    """Deletes old rows while this process leads."""

    def __init__(self, worker_id: str, heartbeats: Heartbeats) -> None:
        self._worker_id, self._heartbeats = worker_id, heartbeats

    async def run(self) -> None:
        """Look for ever; the first time after LOOK_SECS."""
        while True:
            await asyncio.sleep(LOOK_SECS)
            try:
                await self.look()
            except UNAVAILABLE as error:
                logger.warning("old rows are deleted later: %s", type(error).__name__)

    async def look(self) -> None:
        """Delete old rows if this process leads and EVERY_SECS have passed."""
        if not conf.TIDY or not await self._heartbeats.lead(self._worker_id):
            return
        if await self._heartbeats.begin_tidying(EVERY_SECS):
            await self._delete()

    async def _delete(self) -> None:
        batches, rows = tidy(timezone.now()), Counter[str]()
        step = database_sync_to_async(next, thread_sensitive=False)
        begun = time.monotonic()
        while batch := await step(batches, None):
            rows[batch.kind] += batch.rows
            await asyncio.sleep(pause_secs(time.monotonic() - begun))
            begun = time.monotonic()
        if rows.total():
            logger.info("deleted old rows: %s", ", ".join(f"{count} {kind}" for kind, count in rows.items()))

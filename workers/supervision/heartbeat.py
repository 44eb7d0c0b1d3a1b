"""The worker's beat: every two seconds it says that it lives, and looks for answers that shall stop.

An order to stop comes over the channel layer (`orders`), at once; this is the fallback for one that is lost.
"""

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from celery.worker.state import revoked

from chat import __version__
from chat.transport.event_log import LogError
from chat.transport.heartbeats import HEARTBEAT_SECS, Figures, Heartbeats
from workers.generation.attempts import Attempts
from workers.supervision.reaper import Reaper

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Heartbeat:
    """The beat of one worker process. `claimed` is the live list of the responses that it holds.

    `about` is what else it tells of itself, and does not change: `concurrency` and `queues`.
    """

    worker_id: str
    name: str
    claimed: Sequence[str]
    attempts: Attempts
    liveness: Heartbeats
    reaper: Reaper
    about: Figures = field(default_factory=dict)

    async def run(self) -> None:
        """Beat for ever. While Redis is away beats are missed, and then none is trusted for a while."""
        while True:
            try:
                await self.beat()
            except LogError as error:
                logger.warning("no beat: %s", type(error).__name__)
                self.reaper.doubt()
            await asyncio.sleep(HEARTBEAT_SECS)

    async def beat(self) -> None:
        """Stop what Flower revoked or what has ended elsewhere; say that we live, and what we hold."""
        running = self.attempts.running
        for response_id in filter(revoked.__contains__, running):
            self.attempts.cancel(response_id)
        if not await self.liveness.beat(self.worker_id, self._figures()):
            self.reaper.doubt()
        for response_id in await self.attempts.log.ended(running) if running else []:
            self.attempts.cancel(response_id)

    def _figures(self) -> Figures:
        return {
            **self.about,
            "name": self.name,
            "pid": os.getpid(),
            "version": __version__,
            "at": time.time(),  # by this machine's clock: `Liveness.clocks` compares
            "running": list(self.claimed),
        }

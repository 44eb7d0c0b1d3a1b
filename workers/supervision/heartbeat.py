"""The worker's heartbeat: report figures, cancel attempts whose cancellation was lost."""

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from celery.worker.state import revoked

from chat import __version__
from chat.protocol.events import is_terminal
from chat.transport.event_log import LogError
from chat.transport.heartbeats import HEARTBEAT_SECS, Heartbeats, WorkerStatus
from workers.generation.attempts import Attempts
from workers.supervision.reaper import Reaper

BLOCKED_SECS = 2  # without a run of the loop; after 6 s other workers take over its answers

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Heartbeat:
    """A worker's heartbeat. `claimed`: a live list; `about`: constant figures."""

    worker_id: str
    name: str
    claimed: Sequence[str]
    attempts: Attempts
    heartbeats: Heartbeats
    reaper: Reaper
    about: WorkerStatus = field(default_factory=dict)
    ran_at: float = field(default_factory=time.monotonic)

    async def run(self) -> None:
        """Send heartbeats for ever. A missed one puts the reaper in doubt."""
        while True:
            self.ran_at = time.monotonic()
            try:
                await self.send()
            except LogError as error:
                logger.warning("a heartbeat was missed: %s", type(error).__name__)
                self.reaper.doubt()
            await _pause()

    async def send(self) -> None:
        """Cancel tasks revoked in Flower, record the heartbeat, stop attempts ended or superseded."""
        running = self.attempts.running
        for response_id in filter(revoked.__contains__, running):
            self.attempts.cancel(response_id)
        if not await self.heartbeats.record(self.worker_id, self._figures()):
            self.reaper.doubt()
        lasts = await self.attempts.log.lasts(running) if running else {}
        for response_id, last in lasts.items():
            if is_terminal(last.event):
                self.attempts.cancel(response_id)
            else:
                self.attempts.supersede(response_id, last.sequence_number)

    def _figures(self) -> WorkerStatus:
        return {
            **self.about,
            "name": self.name,
            "pid": os.getpid(),
            "version": __version__,
            "at": time.time(),  # local clock, compared by `Heartbeats.clocks`
            "running": list(self.claimed),
        }


async def _pause() -> None:
    """Wait for the next heartbeat. Log a blocked loop: all answers of this process stood still."""
    due = time.monotonic() + HEARTBEAT_SECS
    await asyncio.sleep(HEARTBEAT_SECS)
    if (blocked := time.monotonic() - due) > BLOCKED_SECS:
        logger.warning("the event loop was blocked for %.1f s: by a program? docs/programs.md", blocked)

"""The worker's beat: every two seconds it says that it lives, and looks for jobs that Flower revoked."""

import asyncio
import logging
import os

from celery.worker.state import revoked

from chat.liveness import BEAT_SECS, Liveness
from chat.log import LogError
from workers.generation import Generation

logger = logging.getLogger(__name__)


async def beat_regularly(liveness: Liveness, worker_id: str, name: str, generation: Generation) -> None:
    """Beat until cancelled. A Redis that is away misses some beats; that is what they are for."""
    while True:
        running = generation.running
        for response_id in running:
            if response_id in revoked:
                generation.cancel(response_id)
        try:
            await liveness.beat(worker_id, {"name": name, "pid": os.getpid(), "running": len(running)})
        except LogError as error:
            logger.warning("no beat: %s", type(error).__name__)
        await asyncio.sleep(BEAT_SECS)

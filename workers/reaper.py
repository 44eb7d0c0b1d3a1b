"""Looks after responses that nobody works on: their worker is gone, or their message was lost.

One worker process at a time does it for all (`Liveness.lead`). It may be wrong, or done twice: every step
is a conditional UPDATE or an append that the log's fence decides, so a doubled step changes nothing.

arrow in: the rows that have not ended · arrow out: `chat/jobs.py` for another attempt, `chat/ending.py`
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import timedelta

from channels.db import database_sync_to_async
from django.db import DatabaseError
from django.utils import timezone

from chat.ending import end
from chat.jobs import QueueError, enqueue, queue_of, waiting
from chat.liveness import BEAT_SECS, GONE_SECS, Liveness
from chat.log import Log, LogError
from chat.models import Response, Status
from chat.protocol.draft import Ending

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 2  # an answer that took two workers down would take the third
LOST_MESSAGE_SECS = 10  # a job that waits this long although its queue is empty has lost its message
COLUMNS = ("id", "model", "worker", "attempt")  # no text is loaded to look after it
MAX_ROWS = 100  # per look; the next look takes the next


class Reaper:
    """The part of this worker process that looks after the responses of all."""

    def __init__(self, worker_id: str, liveness: Liveness, log: Log) -> None:
        self._worker_id, self._liveness, self._log = worker_id, liveness, log
        self._certain_from = 0.0

    def doubt(self) -> None:
        """The beats cannot be trusted now: wait until every worker that lives has beaten again."""
        self._certain_from = time.monotonic() + GONE_SECS

    async def run(self) -> None:
        """Look after them every BEAT_SECS, for ever."""
        while True:
            try:
                if await self._liveness.lead(self._worker_id) and time.monotonic() > self._certain_from:
                    await self.look()
            except (LogError, QueueError, DatabaseError, OSError) as error:
                logger.warning("the reaper must wait: %s", type(error).__name__)
                self.doubt()
            await asyncio.sleep(BEAT_SECS)

    async def look(self) -> None:
        """See to every response that nobody works on."""
        alive = await self._liveness.alive()
        held = {response_id for figures in alive.values() for response_id in figures["running"]}
        for row in await _rows(_orphans, held):
            await self._take_away(row)
        for row in await _rows(_forgotten):
            await enqueue(row)
            logger.warning("response %s had lost its message: enqueued again", row.id)

    async def _take_away(self, row: Response) -> None:
        """Another attempt, if there was not one already; what had ended in the log is only settled."""
        draft = await self._log.draft(str(row.id))
        if row.attempt >= MAX_ATTEMPTS or (draft is not None and draft.ended is not None):
            final = await end(self._log, str(row.id), Ending("failed", time.time(), "worker_lost"))
            logger.warning(
                "response %s: its worker is gone, it ends as %s", row.id, final and final["status"]
            )
        elif await database_sync_to_async(Response.objects.requeue, thread_sensitive=False)(
            row.id, row.worker
        ):
            await enqueue(row)
            logger.warning("response %s: its worker is gone, enqueued for another", row.id)


async def _rows(query: Callable[..., list[Response]], *args: object) -> list[Response]:
    rows: list[Response] = await database_sync_to_async(query, thread_sensitive=False)(*args)
    return rows


def _orphans(held: set[str]) -> list[Response]:
    """Running responses that no living worker holds. One that was just claimed may not be told of yet."""
    claimed_before = timezone.now() - timedelta(seconds=GONE_SECS)
    running = Response.objects.filter(status=Status.IN_PROGRESS, started_at__lt=claimed_before)
    return [row for row in running.only(*COLUMNS) if str(row.id) not in held][:MAX_ROWS]


def _forgotten() -> list[Response]:
    """Queued responses that no message will wake a worker for: they are old, and their queue is empty."""
    queued_before = timezone.now() - timedelta(seconds=LOST_MESSAGE_SECS)
    rows = list(
        Response.objects.filter(status=Status.QUEUED, queued_at__lt=queued_before).only(*COLUMNS)[:MAX_ROWS]
    )
    queues = {row.id: queue_of(row.model) for row in rows}
    empty = {queue for queue in set(queues.values()) if waiting(queue) == 0}
    return [row for row in rows if queues[row.id] in empty]

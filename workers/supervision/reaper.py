"""Looks after responses that nobody works on: their worker is gone, or their message was lost.

One worker process at a time does it for all (`Liveness.lead`). It may be wrong, or done twice: a row goes
back to the queue by a conditional UPDATE, and two attempts are told apart by the log's fence.

arrow in: the rows that have not ended
arrow out: `chat/responses/queueing.py` for another attempt, `chat/responses/ending.py`
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import timedelta

from channels.db import database_sync_to_async
from django.utils import timezone

from chat.models import Response, Status
from chat.protocol.composer import Ending
from chat.protocol.errors import ProtocolError
from chat.responses.ending import end
from chat.responses.queueing import enqueue, queue_of
from chat.transport.event_log import Log
from chat.transport.heartbeats import GONE_SECS, HEARTBEAT_SECS, Heartbeats
from chat.transport.job_queue import waiting
from chat.transport.outages import UNAVAILABLE

logger = logging.getLogger(__name__)

MAX_LOSSES = 2  # an answer that took two workers down would take the third
LOST_MESSAGE_SECS = 10  # a job that waits this long while its queue lacks a message may have lost its own
COLUMNS = ("id", "model", "worker", "attempt", "losses")  # no text is loaded to look after it
MAX_ROWS = 100  # per look; what is left over is for the next look


class Reaper:
    """The part of this worker process that looks after the responses of all."""

    def __init__(self, worker_id: str, liveness: Heartbeats, log: Log) -> None:
        self._worker_id, self._liveness, self._log = worker_id, liveness, log
        self._enqueued: dict[str, float] = {}  # what was enqueued just now, and when: it needs a moment
        self.doubt()

    def doubt(self) -> None:
        """The beats cannot be trusted now: wait until every worker that lives has beaten again."""
        self._certain_from = time.monotonic() + GONE_SECS

    async def run(self) -> None:
        """Look after them every BEAT_SECS, for ever."""
        while True:
            try:
                if await self._liveness.lead(self._worker_id):
                    await self.look()
            except UNAVAILABLE as error:
                logger.warning("the reaper must wait: %s", type(error).__name__)
                self.doubt()
            await asyncio.sleep(HEARTBEAT_SECS)

    async def look(self) -> None:
        """See to every response that nobody works on."""
        alive = await self._liveness.alive()
        if self._worker_id not in alive:  # our own beat is gone, so Redis has lost those of the others too
            self.doubt()
        if time.monotonic() < self._certain_from:
            return
        held = {response_id for figures in alive.values() for response_id in figures["running"]}
        for row in await _rows(_orphans, held):
            await self._take_away(row)
        for row in await _rows(_forgotten):
            await self._wake_for(row)

    async def _take_away(self, row: Response) -> None:
        """Another attempt, unless it has lost too many workers; what had ended in the log is only settled."""
        try:
            state = await self._log.state(str(row.id))
            if state is not None and state.ended is not None:
                await self._end(row)
                logger.warning("response %s: it had ended, and its row is settled now", row.id)
            elif row.losses + 1 >= MAX_LOSSES:
                await self._end(row)
                logger.warning("response %s: its worker is gone, and it was the last", row.id)
            elif await _requeued(row):
                logger.warning("response %s: its worker is gone, another one goes on", row.id)
                self._enqueued[str(row.id)] = time.monotonic()
                await enqueue(row)
        except ProtocolError:  # a log of another version, say: the others must not wait for it
            logger.exception("response %s: its log cannot be read", row.id)

    async def _end(self, row: Response) -> None:
        """End it as lost, unless its log has another end."""
        await end(self._log, str(row.id), Ending("failed", time.time(), "worker_lost"))

    async def _wake_for(self, row: Response) -> None:
        """Enqueue what may have lost its message, unless we have just enqueued it."""
        now = time.monotonic()
        self._enqueued = {i: at for i, at in self._enqueued.items() if now - at < LOST_MESSAGE_SECS}
        if str(row.id) not in self._enqueued:
            logger.warning("response %s: its queue lacks a message, so it is enqueued again", row.id)
            self._enqueued[str(row.id)] = now
            await enqueue(row)


async def _rows(query: Callable[..., list[Response]], *args: object) -> list[Response]:
    rows: list[Response] = await database_sync_to_async(query, thread_sensitive=False)(*args)
    return rows


async def _requeued(row: Response) -> bool:
    requeue = database_sync_to_async(Response.objects.requeue, thread_sensitive=False)
    return bool(await requeue(row.id, row.attempt, handed_over=False))


def _orphans(held: set[str]) -> list[Response]:
    """Running responses that no living worker holds. One that was just claimed may not be told of yet."""
    claimed_before = timezone.now() - timedelta(seconds=GONE_SECS)
    running = Response.objects.filter(status=Status.IN_PROGRESS, started_at__lt=claimed_before)
    return [row for row in running.only(*COLUMNS) if str(row.id) not in held][:MAX_ROWS]


def _forgotten() -> list[Response]:
    """Queued responses that no message may wake a worker for: the oldest, as many as their queue lacks.

    A message that is lost among others is missed soon: its row grows older than all that have one. A row and
    its message do not come and go in the same instant, so one too many may be here; it is woken twice.
    """
    queued_before = timezone.now() - timedelta(seconds=LOST_MESSAGE_SECS)
    queued = Response.objects.filter(status=Status.QUEUED)
    models: dict[str, list[str]] = {}
    for model in queued.order_by("model").values_list("model", flat=True).distinct():
        models.setdefault(queue_of(model), []).append(model)
    forgotten: list[Response] = []
    for queue, names in models.items():
        waits = queued.filter(model__in=names)
        lacks = max(0, waits.count() - waiting(queue))
        oldest = waits.filter(queued_at__lt=queued_before).order_by("queued_at")
        forgotten += oldest.only(*COLUMNS)[: min(lacks, MAX_ROWS)]
    return forgotten

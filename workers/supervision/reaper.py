"""Recover responses whose worker or message was lost.

One process leads. Mistakes are harmless: a conditional UPDATE requeues a row, the log's fence admits one of
two attempts.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from channels.db import database_sync_to_async
from django.utils import timezone

from chat.models import Response, Status
from chat.protocol.composer import Ending
from chat.protocol.errors import ProtocolError
from chat.responses.admission import owners_with_room
from chat.responses.ending import end, settle_if_ended
from chat.responses.queueing import enqueue, queue_of, send_held
from chat.retention.unstored import erase_unstored
from chat.transport.event_log import Log
from chat.transport.heartbeats import GONE_SECS, HEARTBEAT_SECS, Heartbeats
from chat.transport.job_queue import waiting
from chat.transport.outages import UNAVAILABLE
from workers.supervision.withdrawal import withdraw

logger = logging.getLogger(__name__)

MAX_LOSSES = 2  # a response that took down two workers would take down a third
LOST_MESSAGE_SECS = 10  # then a queued row may have lost its message
COLUMNS = ("id", "model", "worker", "attempt", "losses")  # without text
MAX_ROWS = 100  # per check; the next takes the rest
MAX_OWNERS = 500  # per check, two queries

Found = TypeVar("Found")


class Reaper:
    """Recovers responses while this process leads."""

    def __init__(self, worker_id: str, heartbeats: Heartbeats, log: Log) -> None:
        self._worker_id, self._heartbeats, self._log = worker_id, heartbeats, log
        self._enqueued: dict[str, float] = {}  # time of enqueueing
        self._last_owner = 0  # the latest whose held responses were checked
        self.doubt()

    def doubt(self) -> None:
        """Recover nothing until every live worker has sent another heartbeat."""
        self._certain_from = time.monotonic() + GONE_SECS

    async def run(self) -> None:
        """Check every HEARTBEAT_SECS."""
        while True:
            try:
                if await self._heartbeats.lead(self._worker_id):
                    await self.check()
            except UNAVAILABLE as error:
                logger.warning("the reaper waits: %s", type(error).__name__)
                self.doubt()
            await asyncio.sleep(HEARTBEAT_SECS)

    async def check(self) -> None:
        """Send held responses, stop those of inactive users, delete unstored ones; recover orphans."""
        await self._send_held()
        alive = await self._heartbeats.alive()
        claimed = {response_id for figures in alive.values() for response_id in figures["running"]}
        await withdraw(self._log, claimed)
        await self._log.delete(*await _query(erase_unstored, timezone.now()))
        if self._worker_id not in alive:  # Redis lost ours, so others too
            self.doubt()
        if time.monotonic() < self._certain_from:
            return
        for row in await _query(_orphaned, claimed):
            await self._recover(row)
        for row in await _query(_without_message):
            await self._enqueue_again(row)

    async def _send_held(self) -> None:
        """The next owners in turn: the process that had to send may have died."""
        ready, self._last_owner = await _query(owners_with_room, self._last_owner, MAX_OWNERS)
        for owner_id in ready:
            await send_held(owner_id)

    async def _recover(self, row: Response) -> None:
        """Settle a response ended in its log, end one at MAX_LOSSES, else enqueue it."""
        try:
            if await settle_if_ended(self._log, row.wire_id):
                logger.warning("response %s: it has ended in the log, its row is settled now", row.wire_id)
            elif row.losses + 1 >= MAX_LOSSES:
                await end(self._log, row.wire_id, Ending("failed", time.time(), "worker_lost"))
                logger.warning(
                    "response %s: its worker is lost, and it was the last one allowed", row.wire_id
                )
            elif await _requeued(row):
                logger.warning("response %s: its worker is lost, another attempt is enqueued", row.wire_id)
                self._enqueued[row.wire_id] = time.monotonic()
                await enqueue(row)
        except ProtocolError:  # such as another version; other rows must not wait
            logger.exception("response %s: its log cannot be read", row.wire_id)

    async def _enqueue_again(self, row: Response) -> None:
        """Enqueue a row, unless enqueued just now: a message needs a moment."""
        now = time.monotonic()
        self._enqueued = {i: at for i, at in self._enqueued.items() if now - at < LOST_MESSAGE_SECS}
        if row.wire_id not in self._enqueued:
            logger.warning("response %s: its queue lacks a message, so it is enqueued again", row.wire_id)
            self._enqueued[row.wire_id] = now
            await enqueue(row)


async def _query(query: Callable[..., Found], *args: object) -> Found:
    found: Found = await database_sync_to_async(query, thread_sensitive=False)(*args)
    return found


async def _requeued(row: Response) -> bool:
    requeue = database_sync_to_async(Response.objects.requeue, thread_sensitive=False)
    return bool(await requeue(row.id, row.attempt, handed_over=False))


def _orphaned(claimed: set[str]) -> list[Response]:
    """Running rows claimed by no live worker; a claim shows within GONE_SECS."""
    claimed_before = timezone.now() - timedelta(seconds=GONE_SECS)
    running = Response.objects.filter(status=Status.IN_PROGRESS, started_at__lt=claimed_before)
    return [row for row in running.only(*COLUMNS) if row.wire_id not in claimed][:MAX_ROWS]


def _without_message() -> list[Response]:
    """Sent rows that may lack a message: per queue the oldest, as many as are missing.

    A row without message soon is the oldest. Row and message do not change together, so one row may be too
    many: a second message does nothing.
    """
    sent_before = timezone.now() - timedelta(seconds=LOST_MESSAGE_SECS)
    queued = Response.objects.filter(status=Status.QUEUED, sent_at__isnull=False)
    models: dict[str, list[str]] = {}
    for model in queued.order_by("model").values_list("model", flat=True).distinct():
        models.setdefault(queue_of(model), []).append(model)
    found: list[Response] = []
    for queue, names in models.items():
        waits = queued.filter(model__in=names)
        lacks = max(0, waits.count() - waiting(queue))
        oldest = waits.filter(sent_at__lt=sent_before).order_by("sent_at")
        found += oldest.only(*COLUMNS)[: min(lacks, MAX_ROWS)]
    return found

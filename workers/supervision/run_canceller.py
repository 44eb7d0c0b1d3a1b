"""Cancel runs at model servers whose responses have ended without a worker, in the worker that leads."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from channels.db import database_sync_to_async

from chat.models import LIVE, Response
from chat.responses.model_catalog import catalog
from chat.transport.heartbeats import HEARTBEAT_SECS, Heartbeats
from chat.transport.outages import UNAVAILABLE
from chat.transport.provider_runs import KnownRun, ProviderRuns
from workers.providers.base import ProviderError
from workers.providers.openai_compatible import Provider
from workers.providers.responses import api as responses_api

logger = logging.getLogger(__name__)

KEPT_SECS = 3600  # retries of a run that cannot be cancelled; OpenAI keeps one for some ten minutes
RETRY_SECS = 4  # after the first failure; twice as long after each further one
MAX_RETRY_SECS = 300
CANCELS_AT_ONCE = 10  # a server that was down may have many


@dataclass(slots=True)
class Failures:
    """The failed cancellations of one run, in monotonic seconds: `since` the first, `until` the next one."""

    since: float
    until: float = 0
    pause: float = 0

    def next_after(self, now: float) -> float:
        """When to try again, after one more failure."""
        self.pause = min(2 * self.pause or RETRY_SECS, MAX_RETRY_SECS)
        self.until = now + self.pause
        return self.until


class RunCanceller:
    """Cancels left runs while this process leads. A doubled cancellation does no harm."""

    def __init__(
        self, worker_id: str, heartbeats: Heartbeats, runs: ProviderRuns, provider: Provider
    ) -> None:
        self._worker_id, self._heartbeats = worker_id, heartbeats
        self._runs, self._provider = runs, provider
        self._failures: dict[str, Failures] = {}
        self._places = asyncio.Semaphore(CANCELS_AT_ONCE)

    async def run(self) -> None:
        """Check every HEARTBEAT_SECS."""
        while True:
            try:
                if await self._heartbeats.lead(self._worker_id):
                    await self.check()
            except UNAVAILABLE as error:
                logger.warning("runs are cancelled later: %s", type(error).__name__)
            await asyncio.sleep(HEARTBEAT_SECS)

    async def check(self) -> None:
        """Cancel the runs of ended and deleted responses that no worker has claimed."""
        known = await self._runs.all()
        self._failures = {field: failed for field, failed in self._failures.items() if field in known}
        due = {field: run for field, run in known.items() if self._is_due(field)}
        if not due:
            return
        alive = await self._heartbeats.alive()
        claimed = {response_id for figures in alive.values() for response_id in figures["running"]}
        left = {field: run for field, run in due.items() if _response(field) not in claimed}
        live = await database_sync_to_async(_live, thread_sensitive=False)([*map(_response, left)])
        await asyncio.gather(
            *(self._cancel(at, run) for at, run in left.items() if _response(at) not in live)
        )

    def _is_due(self, field: str) -> bool:
        return field not in self._failures or time.monotonic() >= self._failures[field].until

    async def _cancel(self, field: str, known: KnownRun) -> None:
        model = catalog().get(known.model)
        try:
            if model is not None:
                async with self._places:
                    await responses_api.cancel(self._provider, model, known.run)
                logger.info("response %s: its run was cancelled", _response(field))
        except ProviderError as error:
            logger.warning("response %s: its run cannot be cancelled: %s", _response(field), error.code)
            now = time.monotonic()
            failures = self._failures.setdefault(field, Failures(now))
            if failures.next_after(now) < failures.since + KEPT_SECS:
                return
        await self._runs.delete(field)


def _response(field: str) -> str:
    return field.partition(":")[0]


def _live(response_ids: Sequence[str]) -> set[str]:
    return set(Response.objects.filter(pk__in=response_ids, status__in=LIVE).wire_ids())

"""Cancel runs at model servers whose responses have ended without a worker, in the worker that leads."""

import asyncio
import logging
import time
from collections.abc import Sequence

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


class RunCanceller:
    """Cancels left runs while this process leads. A doubled cancellation does no harm."""

    def __init__(
        self, worker_id: str, heartbeats: Heartbeats, runs: ProviderRuns, provider: Provider
    ) -> None:
        self._worker_id, self._heartbeats = worker_id, heartbeats
        self._runs, self._provider = runs, provider

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
        if not (known := await self._runs.all()):
            return
        alive = await self._heartbeats.alive()
        claimed = {response_id for figures in alive.values() for response_id in figures["running"]}
        left = {field: run for field, run in known.items() if _response(field) not in claimed}
        live = await database_sync_to_async(_live, thread_sensitive=False)([*map(_response, left)])
        await asyncio.gather(
            *(self._cancel(at, run) for at, run in left.items() if _response(at) not in live)
        )

    async def _cancel(self, field: str, known: KnownRun) -> None:
        model = catalog().get(known.model)
        try:
            if model is not None:
                await responses_api.cancel(self._provider, model, known.run)
                logger.info("response %s: its run was cancelled", _response(field))
        except ProviderError as error:
            if time.time() - known.at < KEPT_SECS:
                logger.warning("response %s: its run cannot be cancelled: %s", _response(field), error.code)
                return
        await self._runs.delete(field)


def _response(field: str) -> str:
    return field.partition(":")[0]


def _live(response_ids: Sequence[str]) -> set[str]:
    return set(Response.objects.filter(pk__in=response_ids, status__in=LIVE).wire_ids())

"""An attempt's run at a server that keeps it: begin or take over, then forget or cancel it."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from chat.protocol.objects import ResponseObject
from chat.protocol.state import ResponseState
from chat.responses.model_catalog import ModelConfig
from chat.transport.event_log import LogError
from chat.transport.outages import retry
from chat.transport.provider_runs import ProviderRuns
from workers.providers.base import Chunk, ProviderError
from workers.providers.openai_compatible import Provider
from workers.providers.request import Request
from workers.providers.responses import api as responses_api
from workers.providers.responses.api import Background

logger = logging.getLogger(__name__)

REMEMBER_SECS = 5  # of retries; without a record a lost worker's answer is asked again
RETRY_SECS = 0.5
LEAVE_SECS = 6  # to forget and cancel; the leading worker tries again


@dataclass(slots=True)
class BackgroundRun:
    """One attempt's run. `run`: the server's id, "" for none; `attached`: it is an earlier attempt's."""

    response_id: str
    attempt: int
    model: ModelConfig
    provider: Provider
    runs: ProviderRuns
    run: str = ""
    attached: bool = False
    _is_over: bool = False

    async def attach(self, state: ResponseState) -> bool:
        """Take over the run that wrote this state. False: there is none to continue. Raises LogError."""
        self.run, self.attached = "", False
        if self.model.api != "responses" or self.attempt == 1:
            return False
        known = await self.runs.recall(self.response_id, state.attempt)
        if known is None or known.model != self.model.name:
            return False
        try:
            if not await responses_api.goes_on(self.provider, self.model, known.run):
                logger.warning("response %s: its run is lost at the model's server", self.response_id)
                return False
        except ProviderError as error:  # unavailable: it may still have the run
            logger.warning("response %s: its run is unknown: %s", self.response_id, error.code)
        await self.runs.remember(self.response_id, self.attempt, self.model.name, known.run)
        self.run, self.attached = known.run, True
        return True

    async def chunks(self, request: Request, state: ResponseState) -> AsyncGenerator[Chunk, None]:
        """Yield the answer, or what the log lacks of it. Raises ProviderError."""
        background = Background(self._remember) if self.model.api == "responses" else None
        if self.attached:
            background = Background(self._remember, self.run, state.parts)
        try:
            async with aclosing(self.provider.stream(self.model, request, background)) as parts:
                async for chunk in parts:
                    self._is_over = self._is_over or chunk.finish is not None
                    yield chunk
        except ProviderError as error:
            if self.attached:  # another request would begin a second text after the first
                raise ProviderError(error.code, permanent=True) from error
            raise

    async def leave(self, final: ResponseObject | None) -> None:
        """Forget the run of an ended response, and cancel it unless it has ended. None: it continues."""
        if not self.run or final is None:
            return
        try:
            async with asyncio.timeout(LEAVE_SECS):
                if not self._is_over and final["status"] != "completed":
                    await responses_api.cancel(self.provider, self.model, self.run)
                await self.runs.forget(self.response_id, self.attempt, self.run)
        except (ProviderError, LogError, TimeoutError) as error:
            logger.warning(
                "response %s: its run is cancelled later: %s", self.response_id, type(error).__name__
            )

    async def _remember(self, run: str) -> None:
        self.run = run
        work = partial(self.runs.remember, self.response_id, self.attempt, self.model.name, run)
        try:
            await retry("a run cannot be stored", work, RETRY_SECS, REMEMBER_SECS, (LogError,))
        except LogError:
            logger.warning("response %s: its run is not stored", self.response_id)

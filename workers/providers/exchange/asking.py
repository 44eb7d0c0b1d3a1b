"""Ask a model's server, whatever its API: the model's name, changes after refusals, codes of failures."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from chat.conf import conf
from chat.protocol.events import JSON
from chat.responses.model_catalog import ModelConfig
from workers.providers import refusals
from workers.providers.base import ProviderError
from workers.providers.changes import LIMITS, Change, Learned, other_limit_field
from workers.providers.chat_models import MAX_LIST_BYTES, first_chat_model
from workers.providers.exchange.connection import Connections, RefusedError, Reply, translated
from workers.providers.retry_after import retry_after_secs

logger = logging.getLogger(__name__)

MAX_CHANGES = 8  # of one request, after refusals
LOGGED_BYTES = 500
CLOSE_SECS = 5  # for the last requests
_WITH_RETRY_AFTER = frozenset({"rate_limit_exceeded", "upstream_error"})

# builds the body of a request, from learned changes and the tokens left in the context
Build = Callable[[Learned, int | None], JSON]


class FilteredError(Exception):
    """A content filter refused the prompt."""


@dataclass(slots=True)
class Asking:
    """The models' servers, with the changes learned from their refusals."""

    learned: dict[str, Learned] = field(default_factory=dict)  # by the model's name
    connections: Connections = field(default_factory=Connections)
    _first_models: dict[str, str] = field(default_factory=dict)  # by the model's name
    _finishing: set[asyncio.Task[None]] = field(default_factory=set)

    async def upstream_model(self, model: ModelConfig) -> str:
        """The model's name on its server; without a configured one the first that can chat."""
        return model.upstream_model or await self._first_model(model)

    async def ask(self, model: ModelConfig, path: str, build: Build) -> Reply:
        """Request an answer; if the server refuses a field or a limit, again without it.

        The caller reads and closes the reply.
        """
        learned, once = self.learned.setdefault(model.name, Learned()), Learned()
        room: int | None = None
        for _ in range(MAX_CHANGES):
            asked = build(learned.joined(once), room)
            try:
                return await self.connections.post(model, path, asked)
            except RefusedError as error:
                change = _judged(model, error, asked).change
                if change is None:
                    raise
            if change.room is not None:
                room = change.room if room is None else 0
            if change.once:
                once.learn(change)
            else:
                _learn(model, learned, change)
        raise ProviderError("upstream_rejected", permanent=True)

    @contextmanager
    def failures(self, model: ModelConfig) -> Iterator[None]:
        """Raise each failure as ProviderError, or FilteredError."""
        try:
            with translated():
                yield
        except RefusedError as error:
            if error.refusal and error.refusal.filtered:
                raise FilteredError from error
            raise self._refused(model, error) from error

    def finish(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a last request of an answer that was left."""
        task = asyncio.create_task(self._logged(work))
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)

    async def _logged(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except ProviderError as error:
            logger.warning("a run may continue without a reader: %s", error.code)

    async def close(self) -> None:
        """Close all connections, after the last requests."""
        if self._finishing:
            await asyncio.wait(self._finishing, timeout=CLOSE_SECS)
        await self.connections.close()

    async def _first_model(self, model: ModelConfig) -> str:
        if model.name not in self._first_models:
            connect = model.deadlines.connect
            async with aclosing(await self.connections.get(model, "/models", {}, connect)) as reply:
                name = first_chat_model(await reply.json(MAX_LIST_BYTES, connect))
            if name is None:
                logger.warning("model %s: its server lists none that can chat: set OPENAI_MODEL", model.name)
                raise ProviderError("upstream_not_found", permanent=True)
            if self._first_models.get(model.name) != name:  # others may have asked meanwhile
                logger.info("model %s: the first that can chat on its server is %r", model.name, name)
            self._first_models[model.name] = name
        return self._first_models[model.name]

    def _refused(self, model: ModelConfig, error: RefusedError) -> ProviderError:
        refusal = error.refusal or _judged(model, error, {})
        if refusal.code == "upstream_not_found" and model.name in self._first_models:
            del self._first_models[model.name]  # the server may list another model now
            self.learned.pop(model.name, None)
        if refusal.code == "upstream_wrong_address":
            place = refusals.wrong_address(error.url)
            logger.warning("model %s: HTTP %d: %s", model.name, error.status, place)
        wait = None
        if refusal.code in _WITH_RETRY_AFTER:
            wait = retry_after_secs(error.headers, time.time())
            wait = refusal.retry_after if wait is None else wait
        return ProviderError(refusal.code, permanent=refusal.permanent, retry_after=wait)


def _learn(model: ModelConfig, learned: Learned, change: Change) -> None:
    """Remember a change, and log it once. Raises ProviderError if no name of the limit would be left."""
    other = other_limit_field(change.drop)
    if (change.drop in LIMITS and not other) or (other and other in learned.without.union(model.without)):
        learned.without -= {change.drop, other}
        raise ProviderError("upstream_rejected", permanent=True)
    if learned.learn(change):
        logger.warning("model %s: learned from a refusal: %s", model.name, learned.setting(change))


def _judged(model: ModelConfig, error: RefusedError, asked: JSON) -> refusals.Refusal:
    """Judge a refusal, once. Logs the beginning of its body if the operator wants it."""
    if conf.LOG_UPSTREAM_ERRORS:
        text = error.body[:LOGGED_BYTES].decode(errors="replace")
        logger.warning("model %s: HTTP %d from its server: %r", model.name, error.status, text)
    own = model.parameters.keys() - LIMITS
    error.refusal = refusals.judge(error.status, error.body, asked, own)
    return error.refusal

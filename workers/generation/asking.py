"""Ask a model's server, again after a pause while nothing was generated; for programs with deadlines."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from chat.protocol.events import JSON
from chat.responses.model_catalog import ModelConfig, catalog
from workers.generation.deadlines import AttemptProgress
from workers.generation.retries import RetryPolicy
from workers.providers.base import Chunk, Pause, ProviderError
from workers.providers.openai_compatible import Provider
from workers.providers.request import Request


async def ask(
    begin: Callable[[], AsyncGenerator[Chunk, None]], retries: RetryPolicy
) -> AsyncGenerator[Chunk | Pause, None]:
    """Yield the chunks of `begin()`; retry after a pause if useful and nothing was generated.

    Raises ProviderError.
    """
    generated = False
    while True:
        try:
            async with aclosing(begin()) as chunks:
                async for chunk in chunks:
                    generated = generated or bool(chunk.parts or chunk.finish)
                    yield chunk
        except ProviderError as error:
            pause = None if generated else retries.after(error, _now())
            if pause is None:
                raise
        else:
            return
        yield pause
        await asyncio.sleep(pause.seconds)


async def delegate(
    provider: Provider, name: str, messages: list[JSON], parameters: JSON
) -> AsyncGenerator[Chunk, None]:
    """Yield the chunks of a model that a program asks, with that model's deadlines and retries.

    Raises ProviderError; ValueError for a name that is no model with a server.
    """
    model, request = _asked(name, messages, parameters)
    begun = _now()
    progress = AttemptProgress(model.deadlines, begun)
    retries = RetryPolicy(begun + model.deadlines.total)
    async with aclosing(ask(lambda: provider.stream(model, request), retries)) as parts:
        while (part := await _next(parts, progress)) is not None:
            if isinstance(part, Chunk):
                progress.receive(part, _now())
                yield part
            elif part.reason is not None:
                progress.pause(part.seconds)
    if progress.error_code is not None:
        raise ProviderError(progress.error_code, permanent=True)


async def _next(
    parts: AsyncGenerator[Chunk | Pause, None], progress: AttemptProgress
) -> Chunk | Pause | None:
    """The next one in time; None: there is none, and `progress` knows whether it failed."""
    try:
        async with asyncio.timeout_at(progress.deadline):
            return await anext(parts, None)
    except TimeoutError:
        progress.fail()
    except ProviderError as error:
        progress.fail(error.code)
    return None


def _asked(name: str, messages: list[JSON], parameters: JSON) -> tuple[ModelConfig, Request]:
    model = catalog().get(name)
    if model is None or model.program:
        message = f"the catalog has no model {name!r} with a server"
        raise ValueError(message)
    fields = dict(parameters)
    request = Request(messages, fields.pop("max_output_tokens", None), fields.pop("temperature", None))
    return replace(model, parameters=model.parameters | fields), request


def _now() -> float:
    return asyncio.get_running_loop().time()

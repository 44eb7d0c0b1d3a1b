"""The steps of a program: each runs once, unless its worker is lost within it or Redis loses its result."""

import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import sync_to_async

from chat.transport.event_log import LogError
from chat.transport.outages import retry
from chat.transport.steps import Steps

MAX_RESULT_BYTES = 1_048_576  # of one step: Redis keeps it in memory
OUTAGE_SECS = 60  # of retries while Redis is unavailable
RETRY_SECS = 0.5

Step = Callable[[], Awaitable[Any]]


def prepared(function: Callable[[], Any]) -> Step:
    """The step that calls a function: a coroutine function here, another in the attempt's thread."""

    async def step() -> Any:
        if inspect.iscoroutinefunction(function):
            return await function()
        result = await sync_to_async(function)()
        return await result if inspect.isawaitable(result) else result

    return step


async def done(name: str, step: Step) -> Any:
    """Do a step and remember nothing: outside a worker."""
    return json.loads(_encoded(name, await step()))


async def remembered(steps: Steps, name: str, step: Step) -> Any:
    """The kept result of a step; without one do it, and keep its result.

    Raises LogError if Redis stays unavailable, ValueError for a result that is no JSON or too large.
    """
    what, errors = "a program's step waits for Redis", (LogError,)
    kept = await retry(what, lambda: steps.result(name), RETRY_SECS, OUTAGE_SECS, errors)
    if kept is None:
        result = _encoded(name, await step())
        kept = await retry(what, lambda: steps.keep(name, result), RETRY_SECS, OUTAGE_SECS, errors)
    return json.loads(kept)


def _encoded(name: str, result: Any) -> str:
    try:
        text = json.dumps(result, allow_nan=False)
    except (TypeError, ValueError) as error:
        message = f"the result of the step {name!r} is no JSON: {type(error).__name__}"
        raise ValueError(message) from error
    if len(text) > MAX_RESULT_BYTES:
        message = f"the result of the step {name!r} has {len(text)} bytes, {MAX_RESULT_BYTES} at most"
        raise ValueError(message)
    return text

"""The steps of a program: each runs once, unless its worker is lost within it or Redis loses its result."""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from asgiref.sync import sync_to_async

from chat.transport.event_log import LogError
from chat.transport.outages import retry
from chat.transport.steps import Steps

MAX_RESULT_BYTES = 1_048_576  # of one step: Redis keeps it in memory
OUTAGE_SECS = 60  # of retries while Redis is unavailable
RETRY_SECS = 0.5

T = TypeVar("T")
Shield = Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """The call of a function."""

    function: Callable[[], Any]

    @property
    def interruptible(self) -> bool:
        """Whether a cancellation interrupts it: a coroutine function, not a thread."""
        return inspect.iscoroutinefunction(self.function)

    async def result(self) -> Any:
        """Call a coroutine function here, another in the attempt's thread."""
        if self.interruptible:
            return await self.function()
        result = await sync_to_async(self.function)()
        return await result if inspect.isawaitable(result) else result


class Unfinished:
    """The rest of a cancelled program's steps: a function in the thread, a result that is being kept."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def shield(self, work: Coroutine[Any, Any, Any]) -> Awaitable[Any]:
        """Run it to its end, also if its caller is cancelled."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return asyncio.shield(task)

    async def wait(self) -> None:
        """Wait for their ends; a cancellation cancels them, too."""
        try:
            while self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            for task in self._tasks:
                task.cancel()


async def done(_name: str, step: Step, _: Shield) -> Any:
    """Do a step and remember nothing: outside a worker."""
    return json.loads(_encoded(await step.result()))


async def remembered(steps: Steps, name: str, step: Step, shield: Shield) -> Any:
    """The kept result of a step; without one do it, and keep its result.

    A cancellation interrupts a coroutine function only; `shield` runs the rest to its end.
    Raises SupersededError; LogError if Redis stays unavailable; ValueError for a result that cannot be kept.
    """

    async def keep(result: Any) -> str:
        text = _encoded(result)
        return await _patiently(lambda: steps.keep(name, text))

    async def do_and_keep() -> str:
        return await keep(await step.result())

    async def known() -> str | None:
        await steps.check()
        return await steps.result(name)

    kept = await shield(_patiently(known))  # Redis may swallow a cancellation
    if kept is None:
        kept = await shield(keep(await step.result()) if step.interruptible else do_and_keep())
    return json.loads(kept)


async def _patiently(work: Callable[[], Awaitable[T]]) -> T:
    return await retry("a program's step waits for Redis", work, RETRY_SECS, OUTAGE_SECS, (LogError,))


def _encoded(result: Any) -> str:
    """As JSON. Raises ValueError without the step's name, which may have words of a person."""
    try:
        text = json.dumps(result, allow_nan=False)
    except (TypeError, ValueError) as error:
        message = f"the result of a step is no JSON: {type(error).__name__}"
        raise ValueError(message) from error
    if len(text) > MAX_RESULT_BYTES:
        message = f"the result of a step has {len(text)} bytes, {MAX_RESULT_BYTES} at most"
        raise ValueError(message)
    return text

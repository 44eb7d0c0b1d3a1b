"""Wait for a condition with a deadline, instead of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

POLL_SECS = 0.02  # short beside any deadline, long beside the cost of a check

T = TypeVar("T")


def wait_until(condition: Callable[[], T], deadline_secs: float, what: str) -> T:
    """Return the first true value of `condition()`; fail, naming `what`, after `deadline_secs`."""
    deadline = time.monotonic() + deadline_secs
    while not (value := condition()):
        _check_deadline(deadline, deadline_secs, what)
        time.sleep(POLL_SECS)
    return value


@overload
async def await_until(condition: Callable[[], Awaitable[T]], deadline_secs: float, what: str) -> T: ...
@overload
async def await_until(condition: Callable[[], bool], deadline_secs: float, what: str) -> bool: ...
async def await_until(condition: Callable[[], Any], deadline_secs: float, what: str) -> Any:
    """Do the same without blocking the event loop; `condition` may be a coroutine function."""
    deadline = time.monotonic() + deadline_secs
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        _check_deadline(deadline, deadline_secs, what)
        await asyncio.sleep(POLL_SECS)


def _check_deadline(deadline: float, deadline_secs: float, what: str) -> None:
    if time.monotonic() > deadline:
        message = f"not within {deadline_secs:g} s: {what}"
        raise AssertionError(message)

"""Waiting for a condition with a deadline: what the tests do instead of sleeping."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

POLL_SECS = 0.02  # short beside any deadline, long beside the cost of a look

T = TypeVar("T")


def wait_until(condition: Callable[[], T], deadline_secs: float, what: str) -> T:
    """Return the first true value of `condition()`; fail, naming `what`, after `deadline_secs`."""
    deadline = time.monotonic() + deadline_secs
    while not (value := condition()):
        if time.monotonic() > deadline:
            message = f"not within {deadline_secs:g} s: {what}"
            raise AssertionError(message)
        time.sleep(POLL_SECS)
    return value


async def await_until(condition: Callable[[], Awaitable[T]], deadline_secs: float, what: str) -> T:
    """Do the same where the event loop must go on meanwhile: `condition` is a coroutine function."""
    deadline = time.monotonic() + deadline_secs
    while not (value := await condition()):
        if time.monotonic() > deadline:
            message = f"not within {deadline_secs:g} s: {what}"
            raise AssertionError(message)
        await asyncio.sleep(POLL_SECS)
    return value

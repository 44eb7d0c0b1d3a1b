"""Wait for a condition, with a deadline that grows with the load of the machine."""

import asyncio
import functools
import inspect
import os
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, overload

POLL_SECS = 0.02  # short beside any deadline, long beside the cost of a check
LEAST_SECS = 30  # of any wait: a longer deadline costs nothing while the tests are green

T = TypeVar("T")


def patience() -> float:
    """Return the factor of all deadlines and bounds: TEST_PATIENCE, else 1 + twice the load per core."""
    return _patience_in(int(time.monotonic()))


@functools.lru_cache(maxsize=1)
def _patience_in(_second: int) -> float:
    """Read the load once a second: that costs more than most conditions."""
    fixed = os.environ.get("TEST_PATIENCE")
    return float(fixed) if fixed else 1 + 2 * max(os.getloadavg()[:2]) / (os.cpu_count() or 1)


def deadline(secs: float = LEAST_SECS) -> float:
    """Return the seconds to wait for a step that takes at most `secs` on an idle machine."""
    return max(secs, LEAST_SECS) * patience()


def wait_until(
    condition: Callable[[], T], deadline_secs: float, what: str, poll_secs: float = POLL_SECS
) -> T:
    """Return the first true value of `condition()`; fail, naming `what`, after the deadline."""
    begun = time.monotonic()
    while not (value := condition()):
        _check_deadline(begun, deadline_secs, what)
        time.sleep(poll_secs)
    return value


@overload
async def await_until(condition: Callable[[], Awaitable[T]], deadline_secs: float, what: str) -> T: ...
@overload
async def await_until(condition: Callable[[], bool], deadline_secs: float, what: str) -> bool: ...
async def await_until(condition: Callable[[], Any], deadline_secs: float, what: str) -> Any:
    """Do the same without blocking the event loop; `condition` may be a coroutine function."""
    begun = time.monotonic()
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        _check_deadline(begun, deadline_secs, what)
        await asyncio.sleep(POLL_SECS)


async def end_tasks(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and wait until each has closed what it opened: the loop's end would interrupt that."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _check_deadline(begun: float, deadline_secs: float, what: str) -> None:
    # the load may have risen since the wait began
    if time.monotonic() - begun > deadline(deadline_secs):
        message = f"not within {deadline(deadline_secs):.0f} s: {what}"
        raise AssertionError(message)


@contextmanager
def within(secs: float) -> Iterator[None]:
    """Fail if the block takes longer than `secs` on an idle machine, more on a busy one."""
    begun = time.monotonic()
    yield
    passed, most = time.monotonic() - begun, secs * patience()
    assert passed < most, f"took {passed:.1f} s, not {most:.1f} s at most"

"""Attempts whose model stops in the middle of its answer."""

import asyncio

from chat.transport.event_log import Log
from tests.harness.upstream import Upstream
from tests.harness.waiting import LEAST_SECS, await_until
from tests.workers.logs import text
from tests.workers.targets import AFTER_5, assign, target
from workers.generation.attempt import Assignment, Outcome
from workers.generation.attempts import Attempts


def stalling(upstream: Upstream) -> Assignment:
    return assign(target(upstream, "stall-after-5"))


async def wait_until_stalled(log: Log, response_id: str) -> None:
    async def has_stalled() -> bool:
        return await text(log, response_id) == AFTER_5

    await await_until(has_stalled, LEAST_SECS, "the attempt is under way")


async def start_stalling(
    log: Log, attempts: Attempts, upstream: Upstream
) -> tuple[str, asyncio.Task[Outcome]]:
    """Start an attempt, and return its response's id once its model has stalled."""
    assignment = stalling(upstream)
    writing = asyncio.create_task(attempts.run(assignment))
    await wait_until_stalled(log, assignment.id)
    return assignment.id, writing

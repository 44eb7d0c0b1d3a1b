"""Stopped programs end their `finally` and their steps before another attempt begins."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field

import pytest

from chat.responses.model_catalog import ModelConfig
from chat.transport.event_log import Log
from tests.harness.waiting import await_until
from tests.workers.background import DEADLINE_SECS, in_time
from tests.workers.logs import text
from tests.workers.targets import assign, final, generating
from workers.generation.attempt import Assignment, Outcome, StopReason
from workers.generation.attempts import Attempts
from workers.programs import Ask, running

STOPS = 20  # by heartbeats and a stopping worker


@dataclass
class Course:
    """The course of a program, as its test follows and directs it."""

    done: list[str] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)


course = Course()


@pytest.fixture(autouse=True)
def _new_course() -> None:
    course.__init__()  # type: ignore[misc]  # the programs know this one


@pytest.fixture
async def attempts(log: Log) -> AsyncIterator[Attempts]:
    async with generating(log) as attempts:
        yield attempts


def asked(name: str) -> Assignment:
    return assign(ModelConfig("tested", program=f"{__name__}:{name}"))


async def begun(attempts: Attempts, assignment: Assignment, log: Log) -> asyncio.Task[Outcome]:
    """Run an attempt until its program has yielded and waits."""
    writing = asyncio.create_task(attempts.run(assignment))

    async def is_under_way() -> bool:
        return await text(log, assignment.id) == "begun" and "waits" in course.done

    await await_until(is_under_way, DEADLINE_SECS, "the program waits")
    return writing


async def tidying(_: Ask) -> AsyncGenerator[str, None]:
    yield "begun"
    try:
        course.done.append("waits")
        await asyncio.Event().wait()
    finally:
        await course.released.wait()
        course.done.append("tidied")


async def stop_often(attempts: Attempts, assignment: Assignment, *, handing_over: bool) -> None:
    for _ in range(STOPS):
        if handing_over:
            attempts.hand_over()
        else:
            attempts.cancel(assignment.id)
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("handing_over", [True, False])
async def test_the_finally_of_a_program_is_not_interrupted_by_further_stops(
    log: Log, attempts: Attempts, *, handing_over: bool
) -> None:
    assignment = asked("tidying")
    writing = await begun(attempts, assignment, log)
    await stop_often(attempts, assignment, handing_over=handing_over)
    assert not writing.done()
    assert course.done == ["waits"]
    course.released.set()
    outcome = await in_time(writing)
    assert course.done == ["waits", "tidied"]
    if handing_over:
        assert (outcome.stopped, outcome.response) == (StopReason.HANDED_OVER, None)
    else:
        assert final(outcome)["status"] == "cancelled"
    assert not running._running


async def test_a_finally_that_takes_too_long_is_interrupted(
    log: Log, attempts: Attempts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(running, "STOP_SECS", 0.2)
    assignment = asked("tidying")
    writing = await begun(attempts, assignment, log)
    attempts.cancel(assignment.id)
    assert final(await in_time(writing))["status"] == "cancelled"
    assert "did not stop within" in caplog.text
    await await_until(lambda: not running._running, DEADLINE_SECS, "it has ended")
    assert course.done == ["waits"]

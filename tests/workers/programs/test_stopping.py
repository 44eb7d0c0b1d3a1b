"""Stopped programs end their `finally` and their steps before another attempt begins."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from pytest_django import Settings

from chat.responses.model_catalog import ModelConfig
from chat.transport import redis_client
from chat.transport.event_log import Log
from chat.transport.steps import Steps
from tests.harness.upstream import Upstream
from tests.harness.waiting import LEAST_SECS, await_until, deadline
from tests.workers.background import in_time
from tests.workers.logs import taken_over, text
from tests.workers.targets import assign, final, generating, requests, target
from workers.generation.attempt import Assignment, Outcome, StopReason
from workers.generation.attempts import Attempts
from workers.programs import Ask, attempt_thread, running
from workers.programs.values import Value

STOPS = 20  # by heartbeats and a stopping worker


@dataclass
class Course:
    """The course of a program, as its test follows and directs it."""

    done: list[str] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: threading.Event = field(default_factory=threading.Event)


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

    await await_until(is_under_way, LEAST_SECS, "the program waits")
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
    await await_until(lambda: not running._running, LEAST_SECS, "it has ended")
    assert course.done == ["waits"]


# steps


def pay(amount: int) -> str:
    """A plain function: nothing stops its thread."""
    course.done.append("waits")
    assert course.go_on.wait(deadline())
    course.done.append(f"paid {amount}")
    return "receipt"


async def paying(ask: Ask) -> AsyncGenerator[str, None]:
    yield "begun"
    yield await ask.once("pay", pay, 5)


async def leaving_payments(ask: Ask) -> AsyncGenerator[str, None]:
    payment = asyncio.create_task(ask.once("pay", pay, 5))
    yield "begun"
    yield (await asyncio.gather(payment))[0]


async def order() -> str:
    """A coroutine function. Redis takes its result only later."""
    await redis_client.client().client_pause(60_000, all=False)
    course.done.append("ordered")
    return "ordered"


async def ordering(ask: Ask) -> AsyncGenerator[str, None]:
    yield "begun"
    course.done.append("waits")
    await course.released.wait()
    yield await ask.once("order", order)


async def listening(ask: Ask) -> AsyncGenerator[str, None]:
    yield "begun"
    yield str(await ask.once("listen", listen))


async def listen() -> None:
    course.done.append("waits")
    try:
        await asyncio.Event().wait()
    finally:
        course.done.append("interrupted")


@pytest.mark.parametrize("name", ["paying", "leaving_payments"])
async def test_a_function_that_a_stop_meets_is_called_once(log: Log, attempts: Attempts, name: str) -> None:
    assignment = asked(name)
    writing = await begun(attempts, assignment, log)
    await stop_often(attempts, assignment, handing_over=True)
    assert not writing.done()
    course.go_on.set()
    assert (await in_time(writing)).stopped is StopReason.HANDED_OVER
    async with generating(log) as others:
        outcome = await others.run(replace(assignment, attempt=2))
    assert (final(outcome)["status"], await text(log, assignment.id)) == ("completed", "begunreceipt")
    assert course.done == ["waits", "paid 5"]


async def test_a_function_that_takes_too_long_holds_up_its_answer_for_some_seconds_only(
    log: Log, attempts: Attempts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(running, "STOP_SECS", 0.2)
    assignment = asked("paying")
    writing = await begun(attempts, assignment, log)
    attempts.cancel(assignment.id)
    assert final(await in_time(writing))["status"] == "cancelled"
    assert course.done == ["waits"]
    assert "threads of stopped programs that still run: 1" in caplog.text
    course.go_on.set()
    await await_until(lambda: not attempt_thread.stuck, LEAST_SECS, "the thread has ended")
    assert course.done == ["waits", "paid 5"]


async def test_a_result_that_exists_when_a_stop_comes_is_kept(log: Log, attempts: Attempts) -> None:
    assignment, redis = asked("ordering"), redis_client.client()
    try:
        writing = await begun(attempts, assignment, log)
        course.released.set()
        await await_until(lambda: "ordered" in course.done, LEAST_SECS, "there is a result")
        await stop_often(attempts, assignment, handing_over=True)
    finally:
        await redis.client_unpause()
    await in_time(writing)
    assert await Steps(redis, assignment.id, lambda: 2).result("order") == '"ordered"'


async def test_a_stop_interrupts_a_coroutine_function(log: Log, attempts: Attempts) -> None:
    assignment = asked("listening")
    writing = await begun(attempts, assignment, log)
    attempts.cancel(assignment.id)
    await in_time(writing)
    assert course.done == ["waits", "interrupted"]


# superseded


async def going_on(ask: Ask) -> AsyncGenerator[str, None]:
    yield "begun"
    course.done.append("waits")
    await course.released.wait()
    yield await ask.once("order", unpaid)


async def asking(ask: Ask) -> AsyncGenerator[Value, None]:
    yield "begun"
    course.done.append("waits")
    await course.released.wait()
    async for value in ask.model("paid", ask.messages):
        yield value


async def unpaid() -> str:
    course.done.append("done twice")
    return ""


@pytest.mark.parametrize("name", ["going_on", "asking"])
async def test_a_superseded_program_does_no_step_and_asks_no_model(
    log: Log, attempts: Attempts, upstream: Upstream, settings: Settings, tmp_path: Path, name: str
) -> None:
    paid, file = target(upstream, "fast"), tmp_path / "models.toml"
    file.write_text(f"""
[[models]]
name = "paid"
base_url = "{paid.base_url}"
upstream_model = "{paid.upstream_model}"
""")
    settings.TAILRACE_MODELS = str(file)
    assignment = asked(name)
    writing = await begun(attempts, assignment, log)
    await taken_over(log, assignment.id)
    course.released.set()
    outcome = await in_time(writing)
    assert (outcome.stopped, outcome.response) == (StopReason.SUPERSEDED, None)
    assert course.done == ["waits"]
    assert not await requests(upstream, paid)

"""The runtime: one loop in an own thread, while the worker lives."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from channels.layers import get_channel_layer

from chat.transport import notifications, redis_client
from chat.transport.event_log import Log
from chat.transport.heartbeats import Heartbeats
from tests.harness.upstream import Upstream
from tests.harness.waiting import LEAST_SECS, await_until
from tests.workers.background import in_time
from tests.workers.stalled import stalling, wait_until_stalled
from workers import runtime as module
from workers.generation.attempt import Assignment, Outcome
from workers.runtime import Runtime


@pytest.fixture
async def runtime(log: Log) -> AsyncIterator[Runtime]:
    """A runtime of the test's own, started and stopped as a worker does it."""
    runtime = Runtime()
    await asyncio.to_thread(runtime.start, "tested@host")
    yield runtime
    await asyncio.to_thread(runtime.stop)


@pytest.fixture
def celery_thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1, "celery") as pool:
        yield pool


async def alive() -> dict[str, dict[str, object]]:
    return await Heartbeats(redis_client.client()).alive()


async def writing_on(
    runtime: Runtime, log: Log, asked: Assignment, pool: ThreadPoolExecutor
) -> asyncio.Future[Outcome]:
    """Write in a thread of Celery, until the model stalls."""
    loop = asyncio.get_running_loop()
    writing = loop.run_in_executor(pool, lambda: runtime.run(runtime.attempts.run(asked)))
    await wait_until_stalled(log, asked.id)
    return writing


async def cancelled(writing: asyncio.Future[Outcome], response_id: str) -> Outcome:
    """Notify until the attempt ends: the runtime may not listen yet."""

    async def has_ended() -> bool:
        await notifications.notify_workers_to_cancel(response_id)
        return writing.done()

    await await_until(has_ended, LEAST_SECS, "the attempt is cancelled")
    return await writing


async def test_a_worker_that_started_is_alive_and_one_that_stopped_is_not(log: Log) -> None:
    runtime = Runtime()
    await asyncio.to_thread(runtime.start, "tested@host")

    async def is_alive() -> bool:
        return runtime.worker_id in await alive()

    await await_until(is_alive, LEAST_SECS, "the worker sends a heartbeat")
    assert (await alive())[runtime.worker_id]["name"] == "tested@host"
    await asyncio.to_thread(runtime.stop)
    assert runtime.worker_id not in await alive()


async def test_work_runs_on_the_one_loop_in_its_own_thread(runtime: Runtime) -> None:
    async def where() -> tuple[asyncio.AbstractEventLoop, str]:
        return asyncio.get_running_loop(), threading.current_thread().name

    places = await asyncio.gather(*(asyncio.to_thread(runtime.run, where()) for _ in range(4)))
    assert set(places) == {(runtime.start(), "runtime")}
    assert runtime.start() is not asyncio.get_running_loop()


async def test_an_error_of_the_work_is_raised_in_the_calling_thread(runtime: Runtime) -> None:
    async def breaks() -> None:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        await asyncio.to_thread(runtime.run, breaks())


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
async def test_a_task_that_would_end_the_loop_does_not(
    runtime: Runtime, error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    async def leave() -> None:
        asyncio.get_running_loop().create_task(leaving()).add_done_callback(ended.append)

    async def leaving() -> None:
        raise error("text of a person")

    async def answer() -> int:
        return 42

    ended: list[asyncio.Task[None]] = []
    await asyncio.to_thread(runtime.run, leave())
    await await_until(lambda: error.__name__ in caplog.text, LEAST_SECS, "it is logged")
    answering = asyncio.create_task(asyncio.to_thread(runtime.run, answer()))
    assert await in_time(answering) == 42
    assert isinstance(ended[0].exception(), error)
    assert "text of a person" not in caplog.text


async def test_an_error_that_nobody_awaits_is_logged_without_its_text(
    runtime: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    async def leave() -> None:
        asyncio.create_task(failing()).add_done_callback(lambda _: None)

    async def failing() -> None:
        message = "words of a person"
        raise LookupError(message)

    await asyncio.to_thread(runtime.run, leave())
    await await_until(lambda: "LookupError" in caplog.text, LEAST_SECS, "it is logged")
    assert "in failing" in caplog.text
    assert "words of a person" not in caplog.text


async def test_stopping_a_runtime_that_does_not_run_does_nothing() -> None:
    Runtime().stop()


async def test_a_stopped_runtime_leaves_no_thread_and_can_start_again(log: Log) -> None:
    before = set(threading.enumerate())
    runtime = Runtime()
    for _ in range(2):
        loop = await asyncio.to_thread(runtime.start)
        await asyncio.to_thread(runtime.stop)
        await await_until(loop.is_closed, LEAST_SECS, "the loop is closed")
    await await_until(
        lambda: not [thread for thread in set(threading.enumerate()) - before if thread.name == "runtime"],
        LEAST_SECS,
        "the threads have ended",
    )


async def test_a_cancellation_reaches_a_running_attempt(
    runtime: Runtime, log: Log, upstream: Upstream, celery_thread: ThreadPoolExecutor
) -> None:
    asked = stalling(upstream)
    writing = await writing_on(runtime, log, asked, celery_thread)
    outcome = await cancelled(writing, asked.id)
    assert outcome.response is not None
    assert outcome.response["status"] == "cancelled"


async def test_a_background_task_that_fails_is_started_again(
    log: Log,
    upstream: Upstream,
    celery_thread: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(module, "RESTART_SECS", 0.02)
    runtime = Runtime()
    await asyncio.to_thread(runtime.start)
    try:

        async def is_broken() -> bool:
            without_id = {"type": "response.cancel"}
            await get_channel_layer().group_send(notifications.WORKERS, without_id)
            return "is started again" in caplog.text

        await await_until(is_broken, LEAST_SECS, "the task that listens to cancellations fails")
        asked = stalling(upstream)
        await cancelled(await writing_on(runtime, log, asked, celery_thread), asked.id)
    finally:
        await asyncio.to_thread(runtime.stop)

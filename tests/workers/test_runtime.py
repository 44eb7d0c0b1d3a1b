"""The runtime: one loop in a thread of its own, for as long as the worker lives."""

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
from tests.harness.waiting import await_until
from tests.workers.logs import text
from tests.workers.targets import AFTER_5, job, target
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
    """Write in a thread of Celery, until the model is silent."""
    loop = asyncio.get_running_loop()
    writing = loop.run_in_executor(pool, lambda: runtime.run(runtime.attempts.run(asked)))

    async def is_said() -> bool:
        return await text(log, asked.id) == AFTER_5

    await await_until(is_said, 5, "the answer is under way")
    return writing


async def test_a_worker_that_started_is_alive_and_one_that_stopped_is_not(log: Log) -> None:
    runtime = Runtime()
    await asyncio.to_thread(runtime.start, "tested@host")

    async def beats() -> bool:
        return runtime.worker_id in await alive()

    await await_until(beats, 5, "the worker beats")
    assert (await alive())[runtime.worker_id]["name"] == "tested@host"
    await asyncio.to_thread(runtime.stop)
    assert runtime.worker_id not in await alive()


async def test_work_runs_on_the_one_loop_in_its_own_thread(runtime: Runtime) -> None:
    async def where() -> tuple[asyncio.AbstractEventLoop, str]:
        return asyncio.get_running_loop(), threading.current_thread().name

    places = await asyncio.gather(*(asyncio.to_thread(runtime.run, where()) for _ in range(4)))
    assert set(places) == {(runtime.start(), "runtime")}
    assert runtime.start() is not asyncio.get_running_loop()


async def test_what_work_raises_is_raised_where_it_is_waited_for(runtime: Runtime) -> None:
    async def breaks() -> None:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        await asyncio.to_thread(runtime.run, breaks())


async def test_to_stop_what_does_not_run_does_nothing() -> None:
    Runtime().stop()


async def test_a_stopped_runtime_leaves_no_thread_and_can_start_again(log: Log) -> None:
    before = set(threading.enumerate())
    runtime = Runtime()
    for _ in range(2):
        loop = await asyncio.to_thread(runtime.start)
        await asyncio.to_thread(runtime.stop)

        async def is_over(loop: asyncio.AbstractEventLoop = loop) -> bool:
            return loop.is_closed()

        await await_until(is_over, 5, "the loop is closed")

    async def are_gone() -> bool:
        return not [thread for thread in set(threading.enumerate()) - before if thread.name == "runtime"]

    await await_until(are_gone, 5, "the threads are gone")


async def test_an_order_to_cancel_reaches_a_running_answer(
    runtime: Runtime, log: Log, upstream: Upstream, celery_thread: ThreadPoolExecutor
) -> None:
    asked = job(target(upstream, "stall-after-5"))
    writing = await writing_on(runtime, log, asked, celery_thread)

    async def is_stopped() -> bool:
        await notifications.notify_workers_to_cancel(asked.id)
        return writing.done()

    await await_until(is_stopped, 5, "the order is obeyed")
    report = await writing
    assert report.response is not None
    assert report.response["status"] == "cancelled"


async def test_a_background_task_that_breaks_begins_again(
    log: Log,
    upstream: Upstream,
    celery_thread: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(module, "AGAIN_SECS", 0.02)
    runtime = Runtime()
    await asyncio.to_thread(runtime.start)
    try:

        async def is_broken() -> bool:
            await get_channel_layer().group_send(
                notifications.WORKERS, {"type": "response.cancel"}
            )  # of whom?
            return "it begins again" in caplog.text

        await await_until(is_broken, 5, "the task that hears orders breaks")
        asked = job(target(upstream, "stall-after-5"))
        writing = await writing_on(runtime, log, asked, celery_thread)

        async def is_stopped() -> bool:
            await notifications.notify_workers_to_cancel(asked.id)
            return writing.done()

        await await_until(is_stopped, 5, "an order is obeyed again")
    finally:
        await asyncio.to_thread(runtime.stop)

"""Titles by a model, through every part: web server, workers, broker, and the scripted upstream."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.harness.socket_client import Visitor, cookie, visiting
from tests.harness.stack import MODELS, Stack, running
from tests.harness.waiting import await_until

TITLE = "Depth of the mill pond"
HELD, SILENT = f"[echo+hold-after-1] {TITLE}", "[stall-first] No title"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Tailrace whose title model waits until it is released."""
    yield from _with_titler(tmp_path_factory, HELD)


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Tailrace whose title model never replies, and whose workers have little room."""
    yield from _with_titler(tmp_path_factory, SILENT, TAILRACE_CONCURRENCY="1")


def _with_titler(factory: pytest.TempPathFactory, script: str, **env: str) -> Iterator[Stack]:
    models = {**MODELS, "titler": script}
    with running(factory.mktemp("titles"), 2, None, models, TAILRACE_TITLE_MODEL="titler", **env) as parts:
        yield parts


async def asked(stack: Stack, times: int) -> None:
    """Wait until the title model has been asked so often."""

    async def found() -> bool:
        return len(await asyncio.to_thread(stack.upstream.requests, HELD)) >= times

    await await_until(found, 20, f"the title model is asked {times} times")


async def renamed(listener: Visitor) -> str:
    """The title of the next change event that is about no response."""
    while (event := await listener.conversation_change())["response"] is not None:
        pass
    return str(event["conversation"]["title"])


async def test_a_title_is_announced_to_every_page(stack: Stack) -> None:
    await asyncio.to_thread(stack.upstream.clear, HELD)
    session = await cookie(stack.url)
    async with visiting(stack.url, session) as asker, visiting(stack.url, session) as other:
        await asker.answer("How deep is it?")
        await asked(stack, 1)
        await asyncio.to_thread(stack.upstream.release, HELD)
        assert await renamed(asker) == TITLE
        assert await renamed(other) == TITLE
    logs = [process.output() for process in stack.processes.values()]
    assert not [log for log in logs if TITLE in log or "How deep" in log]


async def test_titles_that_wait_for_their_model_delay_no_answer(silent: Stack) -> None:
    async with visiting(silent.url) as visitor:
        for number in range(12):  # more than both workers write at once
            assert (await visitor.answer(f"Number {number}"))[-1]["type"] == "response.completed"
    assert await asyncio.to_thread(silent.upstream.requests, SILENT)


async def test_after_a_killed_worker_the_next_answer_asks_again(stack: Stack) -> None:
    await asyncio.to_thread(stack.upstream.clear, HELD)
    session = await cookie(stack.url)
    async with visiting(stack.url, session) as visitor:
        first = (await visitor.answer("How wide is it?"))[-1]["response"]
        await asked(stack, 1)
        for name in ("worker1", "worker2"):
            await asyncio.to_thread(stack.processes[name].kill)
            await asyncio.to_thread(stack.start_worker, name)
        await asyncio.to_thread(stack.wait_for_workers, 2)
        await visitor.answer("And how long?", previous_response_id=first["id"])
        await asked(stack, 2)
        await asyncio.to_thread(stack.upstream.release, HELD)
        assert await renamed(visitor) == TITLE

"""The worker tier: its load is spread, and Celery and Flower see no text of it."""

import ast
import asyncio
import json
import sys
import urllib.request
from collections.abc import Iterator

import pytest
import redis

from chat.transport.redis_keys import prefixed
from tests.harness.processes import run
from tests.harness.socket_client import visiting
from tests.harness.stack import Stack
from tests.harness.upstream import text_of
from tests.harness.waiting import wait_until

CANARY = "canary-5f1c9a"


@pytest.fixture(scope="module")
def flower(stack: Stack) -> Iterator[str]:
    """The address of a Flower that watches the stack."""
    url = stack.start_flower(FLOWER_UNAUTHENTICATED_API="true")
    wait_until(lambda: len(_get(f"{url}/api/workers?refresh=1")) == 2, 30, "Flower sees both workers")
    yield url
    stack.processes["flower"].stop()


def _get(url: str) -> dict[str, dict[str, object]]:
    with urllib.request.urlopen(url) as reply:
        return dict(json.load(reply))


async def test_twenty_answers_at_once_are_spread_over_both_workers(stack: Stack) -> None:
    async def ask() -> dict[str, str]:
        async with visiting(stack.url) as visitor:
            return dict((await visitor.answer("[words-40@40] spread"))[-1]["response"])

    responses = await asyncio.gather(*(ask() for _ in range(20)))
    assert {response["status"] for response in responses} == {"completed"}
    rows = [stack.settled(response["id"]) for response in responses]
    workers = [row["worker"] for row in rows]
    assert len(set(workers)) == 2
    assert min(workers.count(worker) for worker in set(workers)) >= 3
    assert {row["output"] for row in rows} == {text_of("words-40")}


async def test_celery_and_flower_show_the_task_by_its_id_and_no_text(stack: Stack, flower: str) -> None:
    async with visiting(stack.url) as visitor:
        await visitor.create(f"[words-80@10] {CANARY} please", instructions=CANARY)
        response_id = (await visitor.until("response.output_text.delta"))[0]["response"]["id"]
        inspected = str(await asyncio.to_thread(stack.control, "active", "worker1", "worker2"))
        assert response_id in inspected
        await visitor.until("response.completed")
    task = wait_until(
        lambda: (t := _get(f"{flower}/api/tasks").get(response_id)) and t["state"] == "SUCCESS" and t,
        10,
        "Flower shows the task's end",
    )
    assert isinstance(task, dict)
    assert task["name"] == "workers.generate"
    assert task["args"] == f"({response_id!r},)"
    figures = ast.literal_eval(str(task["result"]))
    assert figures.keys() == {"status", "output_tokens", "first_token_ms", "total_ms"}
    assert figures["status"] == "completed"
    assert 0 < figures["first_token_ms"] < figures["total_ms"]
    assert float(str(task["runtime"])) > 0
    everything = inspected + json.dumps(_get(f"{flower}/api/tasks")) + _celery_keys(stack)
    for word in (CANARY, "w0 w1"):
        assert word not in everything
        assert not [name for name, process in stack.processes.items() if word in process.output()]


def _celery_keys(stack: Stack) -> str:
    """Everything in Redis that is not a response's log."""
    with redis.Redis.from_url(stack.env["REDIS_URL"]) as client:
        keys = [key for key in client.scan_iter("*") if not key.startswith(prefixed("response:").encode())]
        return repr([(key, client.dump(key)) for key in keys])


def test_the_web_process_never_loads_the_openai_sdk() -> None:
    code = "import project.asgi, sys; print([name for name in ('openai', 'workers') if name in sys.modules])"
    assert run(sys.executable, "-c", code, fresh=True).strip() == "[]"


def test_a_worker_loads_no_page() -> None:
    loading = "from project.celery import app; app.loader.init_worker()"
    found = "import sys; print('workers.tasks' in sys.modules, 'project.urls' in sys.modules)"
    assert run(sys.executable, "-c", f"{loading}; {found}", fresh=True).strip() == "True False"

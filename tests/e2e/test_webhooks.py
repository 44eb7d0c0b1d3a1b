"""Webhooks through every part: a response ends, a worker posts, and OpenAI's SDKs verify the request."""

import asyncio
import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest
from openai import OpenAI

from tests.harness.processes import ROOT
from tests.harness.receiver import Receiver, Request, receiving
from tests.harness.skips import skip_without
from tests.harness.socket_client import Visitor, cookie, visiting
from tests.harness.stack import MODELS, Stack, running
from tests.harness.waiting import await_until

WORKERS = ("worker1", "worker2")
PROMPTS = {
    "response.completed": "Hello",
    "response.incomplete": "[length-3] Hello",
    "response.failed": "[status-400] Hello",
    "response.cancelled": "[stall-after-1] Hello",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Tailrace with little room, whose webhooks may reach this machine."""
    env = {"TAILRACE_WEBHOOK_PRIVATE": "127.0.0.1", "TAILRACE_CONCURRENCY": "1"}
    with running(tmp_path_factory.mktemp("webhooks"), len(WORKERS), None, MODELS, **env) as parts:
        yield parts


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


def on_rows(stack: Stack, query: str, *values: str) -> list[tuple[str]]:
    with closing(sqlite3.connect(stack.directory / "db.sqlite3")) as database, database:
        return database.execute(query, values).fetchall()


async def registered(stack: Stack, receiver: Receiver) -> tuple[str, str]:
    """The session of a new user with a webhook, and the secret."""
    session = await cookie(stack.url)
    ((name,),) = on_rows(stack, "SELECT username FROM auth_user ORDER BY id DESC LIMIT 1")
    create = ("manage.py", "webhook", "create", "--user", name, "--url", receiver.url)
    return session, (await asyncio.to_thread(stack.run, *create)).strip()


async def ended(visitor: Visitor, kind: str) -> str:
    """The id of a response that ends so."""
    await visitor.create(PROMPTS[kind])
    if kind == "response.cancelled":
        created, *_ = await visitor.until("response.output_text.delta")
        await visitor.send({"type": "tailrace:cancel", "response_id": created["response"]["id"]})
    *_, terminal = await visitor.until("response.completed", "response.incomplete", "response.failed")
    return str(terminal["response"]["id"])


async def arrived(receiver: Receiver, count: int) -> list[Request]:
    await await_until(lambda: len(receiver.requests) >= count, 30, f"{count} events arrive")
    return receiver.requests


def in_node(requests: list[Request], secret: str) -> list[dict[str, object]]:
    """The events as the SDK for Node verifies them."""
    node = shutil.which("node")
    if node is None or not (ROOT / "node_modules/openai").exists():
        skip_without("OpenAI's SDK for Node (npm install)")
    given = [{"content": request.content.decode(), "headers": request.headers} for request in requests]
    done = subprocess.run(
        [node, "tests/sdk/unwrapping.mjs"],
        input=json.dumps({"secret": secret, "requests": given}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


async def test_each_end_arrives_and_both_sdks_verify_it(stack: Stack, receiver: Receiver) -> None:
    session, secret = await registered(stack, receiver)
    async with visiting(stack.url, session) as visitor:
        expected = {(kind, await ended(visitor, kind)) for kind in PROMPTS}
    requests = await arrived(receiver, len(expected))
    unwrap = OpenAI(api_key="none").webhooks.unwrap
    events = [unwrap(request.content, request.headers, secret=secret).to_dict() for request in requests]
    assert {(event["type"], event["data"]["id"]) for event in events} == expected  # type: ignore[index]  # an object
    assert await asyncio.to_thread(in_node, requests, secret) == events
    logs = [process.output() for process in stack.processes.values()]
    assert not [log for log in logs if secret in log or receiver.url in log]


async def test_a_slow_receiver_delays_no_answer(stack: Stack, receiver: Receiver) -> None:
    session, _ = await registered(stack, receiver)
    receiver.open.clear()
    async with visiting(stack.url, session) as visitor:
        for number in range(12):  # more than are posted at once to one webhook
            assert (await visitor.answer(f"Number {number}"))[-1]["type"] == "response.completed"
    await arrived(receiver, 1)


async def test_an_event_survives_the_worker_that_posts_it(stack: Stack, receiver: Receiver) -> None:
    session, secret = await registered(stack, receiver)
    receiver.open.clear()
    async with visiting(stack.url, session) as visitor:
        response_id = await ended(visitor, "response.completed")
        await arrived(receiver, 1)
        for name in WORKERS:
            await asyncio.to_thread(stack.processes[name].kill)
        receiver.open.set()
        on_rows(stack, "UPDATE tailrace_delivery SET due_at = '2026-01-01 00:00:00'")  # a minute has passed
        for name in WORKERS:
            await asyncio.to_thread(stack.start_worker, name)
        first, second = await arrived(receiver, 2)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    event = OpenAI(api_key="none").webhooks.unwrap(second.content, second.headers, secret=secret)
    assert event.to_dict()["data"] == {"id": response_id}

    waiting = "SELECT webhook_id FROM tailrace_delivery WHERE event = ?"
    digits = response_id.removeprefix("resp_")
    await await_until(lambda: not on_rows(stack, waiting, digits), 30, "its row is deleted")

"""A program that returns late, or repeats a request that was cut, by OpenAI's SDK with its own retries."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from openai import OpenAI

from chat.protocol.replay import LAST_OPENING
from tests.faults.harness import Harness
from tests.faults.proxy import Proxy
from tests.harness.stack import Stack
from tests.harness.upstream import text_of
from tests.harness.waiting import deadline, wait_until
from tests.sdk.judging import Judge, judged_client

MODEL = "scripted"
TOOL: Any = {"type": "function", "name": "depth", "parameters": {"type": "object", "properties": {}}}
WORDS = "words-12"


@pytest.fixture(scope="module")
def key(harness: Harness) -> str:
    """The key of a program."""
    return harness.stack.new_key("tests/faults/test_returning.py")


@pytest.fixture
def client(own: Stack, key: str, judge: Judge) -> Iterator[OpenAI]:
    """The SDK, which repeats nothing."""
    with judged_client(f"{own.url}/v1", key, judge, timeout=deadline()) as sdk:
        yield sdk


def asked(script: str) -> str:
    """A prompt that no other test has."""
    return f"[{script}] {uuid.uuid4().hex}"


def events_of(client: OpenAI, response_id: str, **after: int) -> list[dict[str, Any]]:
    """The events of a response, after a number or all."""
    retrieve: Any = client.responses.retrieve  # its overloads take no `**`
    stream = retrieve(response_id, stream=True, **after)
    return [event.to_dict() for event in stream]


def kinds_of_answers(client: OpenAI) -> Iterator[str]:
    """The ids of an answer of each kind: text, reasoning, a call; cut, and cancelled."""
    create = client.responses.create
    for script in (WORDS, f"reasoning-3+{WORDS}", "length-5"):
        yield create(model=MODEL, input=asked(script)).id
    yield create(model=MODEL, input=asked("tool-depth"), tools=[TOOL]).id
    stalled = create(model=MODEL, input=asked("stall-after-4"), background=True).id
    wait_until(lambda: client.responses.retrieve(stalled).output_text, deadline(), "it has text")
    yield client.responses.cancel(stalled).id


def restart_all(harness: Harness) -> None:
    """Stop every part, and start each without the logs, which expire in an hour."""
    web, redis = harness.stack.processes["web"], harness.stack.processes["redis"]
    workers = list(harness.workers)
    for worker in workers:
        harness.kill_worker(worker)
    web.kill()
    redis.kill()
    harness.delete_data()
    harness.stack.start_redis()
    harness.stack.start_web()
    for name in [harness.start_worker() for _ in workers]:
        harness.wait_for_worker(name)
    wait_until(harness.stack.readyz, deadline(), "the web server answers")


def test_a_day_after_the_end_each_cursor_gets_the_end(client: OpenAI, harness: Harness) -> None:
    """A fresh reader gets every item and the end; one with a cursor what it lacks of these."""
    lives = {response_id: events_of(client, response_id) for response_id in kinds_of_answers(client)}
    finals = {name: client.responses.retrieve(name).to_dict() for name in lives}
    for name in lives:
        harness.stack.settled(name)
    restart_all(harness)
    for name, live in lives.items():
        fresh = events_of(client, name)
        assert (fresh[0]["type"], fresh[-1]) == ("response.created", live[-1])
        assert client.responses.retrieve(name).to_dict() == finals[name] == fresh[-1]["response"]
        for event in live[:-1]:
            number = event["sequence_number"]
            rest = events_of(client, name, starting_after=number)
            later = [each for each in fresh if each["sequence_number"] > number]
            # a reader that has text gets none twice: the terminal event has the whole
            assert rest == (later if number <= LAST_OPENING else [live[-1]])
        with client.responses.stream(response_id=name, starting_after=3) as helped:
            *_, last = helped
        assert last.type == live[-1]["type"]


@pytest.mark.parametrize("keyed", [True, False])
def test_the_sdk_repeats_a_request_that_was_cut(own: Stack, key: str, judge: Judge, keyed: bool) -> None:
    """With a key it is asked once: one row, one request to the model; the SDK sends no key by itself."""
    prompt, rows, requests = asked("words-40@20"), own.count_rows(), 1 if keyed else 2
    headers = {"Idempotency-Key": uuid.uuid4().hex} if keyed else {}
    with Proxy.to(own.web_port) as network, ThreadPoolExecutor() as threads:
        url = f"http://127.0.0.1:{network.port}/v1"
        with judged_client(url, key, judge, max_retries=2, timeout=deadline()) as sdk:
            create = partial(sdk.responses.create, model=MODEL, input=prompt, extra_headers=headers)
            asking = threads.submit(create)
            wait_until(lambda: own.upstream.requests(prompt), deadline(), "the model is asked")
            network.break_connections()
            response = asking.result(deadline())
    assert response.output_text == text_of("words-40")
    assert own.count_rows() == rows + requests
    assert len(own.upstream.requests(prompt)) == requests

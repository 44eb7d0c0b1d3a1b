"""A whole Tailrace for the official SDKs, under both web servers, and clients whose replies are judged."""

import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
from openai import AsyncOpenAI, OpenAI

from project.up.ports import HOST
from tests.harness.processes import free_port
from tests.harness.shared_stack import shared_stack
from tests.harness.stack import Stack, answers
from tests.harness.waiting import deadline
from tests.sdk.judging import Judge, judged_async_client, judged_client

SERVERS = ("serve", "uvicorn")


@dataclass(frozen=True)
class Api:
    """The API of a whole Tailrace, and a key of one user."""

    stack: Stack
    base_url: str
    key: str


stack = pytest.fixture(scope="package")(shared_stack)


@pytest.fixture(scope="package")
def api_key(stack: Stack) -> str:
    """The key of a user who asks much."""
    return stack.new_key()


@pytest.fixture(scope="package")
def uvicorn(stack: Stack) -> Iterator[str]:
    """The URL of the same stack through uvicorn."""
    port = free_port()
    command = (
        sys.executable,
        "-m",
        "uvicorn",
        f"--host={HOST}",
        f"--port={port}",
        "project.asgi:application",
    )
    process = stack.start("uvicorn", *command)
    url = f"http://{HOST}:{port}"
    process.wait_until(lambda: answers(f"{url}/healthz"))
    yield url
    process.stop()


@pytest.fixture(scope="package")
def serve(stack: Stack) -> str:
    """The URL of the stack through its own server, Daphne."""
    return stack.url


@pytest.fixture(scope="package", params=SERVERS)
def api(request: pytest.FixtureRequest, stack: Stack, api_key: str) -> Api:
    """The API under each server."""
    return Api(stack, f"{request.getfixturevalue(request.param)}/v1", api_key)


@pytest.fixture(scope="package")
def served(serve: str, stack: Stack, api_key: str) -> Api:
    """The API under the stack's own server alone."""
    return Api(stack, f"{serve}/v1", api_key)


@pytest.fixture
def judge() -> Iterator[Judge]:
    """Judges the replies at the test's end."""
    found = Judge()
    yield found
    found.require()


@pytest.fixture
def client(api: Api, judge: Judge) -> Iterator[OpenAI]:
    """OpenAI's SDK, under each server."""
    with judged_client(api.base_url, api.key, judge, timeout=deadline()) as sdk:
        yield sdk


@pytest.fixture
async def async_client(api: Api, judge: Judge) -> AsyncIterator[AsyncOpenAI]:
    """The asynchronous SDK, under each server."""
    async with judged_async_client(api.base_url, api.key, judge, timeout=deadline()) as sdk:
        yield sdk

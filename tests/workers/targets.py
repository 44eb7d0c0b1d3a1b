"""Models of the scripted upstream, each asked by one test only, and what asks them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

from chat.ids import new_id
from chat.protocol.objects import ResponseObject
from chat.responses.model_catalog import Deadlines, ModelConfig
from chat.transport.event_log import Log
from project.up.ports import HOST
from tests.harness.upstream import Record, Upstream
from tests.harness.waiting import LEAST_SECS
from tests.workers.background import beside
from tests.workers.logs import queued_response
from workers.generation.attempt import Assignment, Outcome
from workers.generation.attempts import Attempts
from workers.generation.publisher import Publisher
from workers.providers.openai_compatible import Provider
from workers.providers.request import Request

REQUEST = Request([{"role": "user", "content": "say something"}])
AFTER_5 = "w0 w1 w2 w3 w4"  # the text of every behaviour "…-after-5"
KEY_ENV = "TAILRACE_TESTS_KEY"  # set by tests alone
FULL = 4  # connections, more than a listener without a backlog takes


def target(upstream: Upstream, behaviour: str, **deadlines: Any) -> ModelConfig:
    """A model that behaves so, under a name that no other test has."""
    return ModelConfig(
        "tested",
        upstream.base_url,
        key_env=KEY_ENV,
        upstream_model=f"[{behaviour}] {new_id().hex}",
        deadlines=Deadlines(**deadlines),
    )


def assign(
    model: ModelConfig, response: ResponseObject | None = None, attempt: int = 1, *, handed_over: bool = False
) -> Assignment:
    return Assignment(response or queued_response(), attempt, model, REQUEST, handed_over)


async def requests(upstream: Upstream, model: ModelConfig) -> list[Record]:
    """The requests for this model so far."""
    return await asyncio.to_thread(upstream.requests, model.upstream_model)


async def record_of(upstream: Upstream, model: ModelConfig) -> Record:
    """The only request for this model, once it has ended; there must not be two."""
    return await asyncio.to_thread(upstream.wait_for_end, model.upstream_model, LEAST_SECS)


async def release(upstream: Upstream, asked: Assignment) -> None:
    """Let the model's server send the rest of an answer that it holds."""
    await asyncio.to_thread(upstream.release, asked.model.upstream_model)


async def was_left(upstream: Upstream, model: ModelConfig) -> bool:
    """Whether the model's server saw its client close the connection."""
    return (await record_of(upstream, model)).aborted


@asynccontextmanager
async def generating(log: Log) -> AsyncIterator[Attempts]:
    provider, publisher = Provider(), Publisher(log)
    async with beside(publisher.run()):
        yield Attempts(log, provider, publisher)
    await provider.close()


@contextmanager
def unaccepting() -> Iterator[str]:
    """The base URL of a server whose queue of connections is full: the next one is not accepted."""
    with socket.create_server((HOST, 0), backlog=0) as listener, ExitStack() as waiting:
        for _ in range(FULL):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield f"http://{HOST}:{listener.getsockname()[1]}/v1"


def final(outcome: Outcome) -> ResponseObject:
    """The final response object."""
    assert outcome.response is not None
    return outcome.response


def error_code(outcome: Outcome) -> str:
    """The error code of a failed response."""
    error = final(outcome)["error"]
    assert error is not None
    return error["code"]

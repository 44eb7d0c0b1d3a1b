"""The text of a request is not held while its reply takes long."""

import gc
import tracemalloc
from collections.abc import Iterator

import pytest

from chat.models import Response
from tests.chat.api.answering import body
from tests.chat.api.client import Program, Request
from tests.chat.communicator import eventually
from tests.chat.rows import on_rows
from tests.harness.waiting import await_until

pytestmark = pytest.mark.django_db(transaction=True)

REQUESTS = 4
CHARS = 200_000  # of each request's input


@pytest.fixture
def _traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def traced_bytes() -> int:
    """The memory of this process."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def wait_for_reply(program: Program, path: str, **fields: object) -> Request:
    """A request whose response is queued."""
    request = program.request("POST", path, fields)
    await request.send()
    request.body = b""
    row = await eventually(Response.objects.filter(status="queued").first)
    assert row is not None
    await on_rows(Response.objects.claim, row.wire_id, "worker")
    return request


@pytest.mark.usefixtures("_traced", "log")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["responses", "chat/completions"])
@pytest.mark.slow
async def test_a_long_text_is_released_once_its_response_is_queued(
    program: Program, path: str, stream: bool
) -> None:
    question = "x" * CHARS
    fields = body(stream=stream, input=question)
    if path == "chat/completions":
        del fields["input"]
        fields["messages"] = [{"role": "user", "content": question}]
    first = await wait_for_reply(program, path, **fields)  # so that all is loaded
    before = traced_bytes()
    requests = [await wait_for_reply(program, path, **fields) for _ in range(REQUESTS)]
    try:
        await await_until(lambda: traced_bytes() - before < REQUESTS * CHARS / 2, 5, "the texts are released")
    finally:
        for request in (first, *requests):
            await request.leave()

"""Answers to a program's requests: the test is the worker."""

from functools import partial
from typing import Any

from chat.models import Response
from chat.protocol.composer import Ending
from chat.responses.ending import end
from chat.transport.event_log import Log
from tests.chat.answers import Answer
from tests.chat.api.client import Program, Reply, Request
from tests.chat.communicator import eventually
from tests.chat.rows import on_rows
from tests.harness.waiting import await_until

MODEL = "demo-count"
COMPLETED = Ending("completed", at=5.0)


def body(**fields: Any) -> dict[str, Any]:
    """The body of a request."""
    return {"model": MODEL, "input": "How deep is it?"} | fields


async def begun(program: Program, log: Log, **fields: Any) -> tuple[Request, Answer]:
    """A request that waits for its response, which a worker has claimed."""
    request = program.request("POST", "responses", body(**fields))
    await request.send()
    return request, await claimed(log)


async def claimed(log: Log, attempt: int = 1) -> Answer:
    """The answer to the only response that is queued, once it is."""
    row = await eventually(Response.objects.filter(status="queued").first)
    assert row is not None
    await await_until(partial(log.state, row.wire_id), 5, "its log is open")
    await on_rows(Response.objects.claim, row.wire_id, "worker")
    answer = await Answer.of(log, row.wire_id)
    await answer.start(attempt)
    return answer


async def in_background(program: Program, log: Log, **fields: Any) -> Answer:
    """The answer to a request in background."""
    reply = await program.ask("POST", "responses", body(background=True, **fields))
    assert reply.status == 200, reply.body
    return await claimed(log)


async def completed(program: Program, log: Log, text: str = "Two metres.", **fields: Any) -> Reply:
    """The reply to a request whose answer is the text."""
    request, answer = await begun(program, log, **fields)
    await answer.add(text)
    await end(log, answer.id, COMPLETED)
    return await request.reply()

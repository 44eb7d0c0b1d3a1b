"""Logs of responses, as the tests begin and read them."""

from chat.ids import new_id, wire_id
from chat.protocol.events import TERMINAL, Event, ReasoningDelta, TextDelta, decode
from chat.protocol.objects import ResponseObject
from chat.protocol.output import output_text
from chat.protocol.state import ResponseState
from chat.transport.event_log import Append, Batch, Log
from tests.chat.protocol.lives import RESPONSE
from tests.harness.writer import Writer


def queued_response() -> ResponseObject:
    """The response object of a row that waits for its worker."""
    return RESPONSE | {"id": wire_id("resp", new_id())}


async def begun(log: Log, attempt: int = 1, response: ResponseObject | None = None) -> ResponseState:
    """The state of a log in which an attempt has appended `response.in_progress`."""
    response = response or queued_response()
    await log.create(response)
    state = await log.state(response["id"])
    assert state is not None
    await appended(log, Writer(state).start(attempt), response["id"])
    return state


async def appended(log: Log, events: list[Event], response_id: str) -> None:
    """Append what a writer composed; it must not be refused."""
    assert await log.append(Batch.of(response_id, events)) is Append.APPENDED


async def taken_over(log: Log, response_id: str, attempt: int = 2) -> None:
    """Begin a later attempt in the log, after one that is silent."""
    state = await log.state(response_id)
    assert state is not None
    await appended(log, Writer(state).start(attempt), response_id)


async def events(log: Log, response_id: str) -> list[Event]:
    return [decode(entry.event) for entry in await log.read(response_id)]


async def types(log: Log, response_id: str) -> list[str]:
    return [event.type for event in await events(log, response_id)]


async def text(log: Log, response_id: str) -> str:
    """The text that the log adds up to, as a reader sees it."""
    state = await log.state(response_id)
    return output_text(state.response("in_progress")) if state else ""


async def deltas(log: Log, response_id: str) -> list[str]:
    """The pieces of text and of reasoning, as they stand in the log."""
    return [
        event.delta
        for event in await events(log, response_id)
        if isinstance(event, TextDelta | ReasoningDelta)
    ]


async def ends(log: Log, response_id: str) -> list[Event]:
    """The terminal events: there must never be two."""
    return [event for event in await events(log, response_id) if isinstance(event, TERMINAL)]

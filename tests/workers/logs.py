"""Logs of responses, as the tests begin and read them."""

from chat.ids import new_id
from chat.protocol.events import JSON, TERMINAL, Event, ReasoningDelta, TextDelta, decode, encode
from chat.protocol.output import output_text
from chat.protocol.state import ResponseState, opening
from chat.transport.event_log import Append, Batch, Log


def queued_response() -> JSON:
    """The response object of a row that waits for its worker."""
    return {
        "id": str(new_id()),
        "object": "response",
        "status": "queued",
        "output": [],
        "error": None,
        "usage": None,
    }


async def begun(log: Log, attempt: int = 1, response: JSON | None = None) -> ResponseState:
    """A log, and the draft of an attempt that has said `response.in_progress` in it."""
    response = response or queued_response()
    await log.create(response["id"], opening(response))
    draft = await log.draft(response["id"])
    assert draft is not None
    await appended(log, draft.next, draft.begin(attempt), response["id"])
    return draft


async def appended(log: Log, first: int, events: list[Event], response_id: str) -> None:
    """Append what a draft gave; it must not be refused."""
    batch = Batch(response_id, first, [encode(event) for event in events])
    assert await log.append(batch) is Append.APPENDED


async def events(log: Log, response_id: str) -> list[Event]:
    return [decode(entry.event) for entry in await log.read(response_id)]


async def types(log: Log, response_id: str) -> list[str]:
    return [event.type for event in await events(log, response_id)]


async def text(log: Log, response_id: str) -> str:
    """The text that the log adds up to, as a reader sees it."""
    draft = await log.draft(response_id)
    return output_text(draft.response("in_progress")) if draft else ""


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

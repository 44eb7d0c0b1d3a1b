"""Rows for tests, and queries of them from inside an event loop."""

from collections.abc import Callable
from typing import Any, TypeVar

from channels.db import database_sync_to_async
from django.contrib.auth.models import User

from chat.models import Conversation, Response, Status
from chat.protocol.composer import Ending, append, final_object, opening
from chat.protocol.objects import OutputItem
from chat.protocol.output import has_answer
from chat.protocol.state import ResponseState
from chat.responses.representation import response_object
from tests.harness.writer import parts_of

T = TypeVar("T")


def question(text: str, role: str = "user") -> dict[str, Any]:
    """An input item with a text."""
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}


def answer(text: str) -> dict[str, Any]:
    """An output item with a text."""
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def stored(owner: User, text: str = "How deep is it?", **fields: Any) -> Response:
    """A response that asks `text`. It is queued, for the demo, and alone in its conversation by default.

    With an `output` it is answered by it, with `items` by these.
    """
    if "conversation" not in fields:
        fields["conversation"] = Conversation.objects.create(owner=owner)
    asked = {"model": "demo-count", "input": [question(text)], "asked": text}
    row = Response(owner=owner, **(asked | fields))
    row.items = fields.get("items") or items_of(row)
    row.answered = fields.get("answered", has_answer(response_object(row)))
    row.save()
    return row


def items_of(row: Response) -> list[OutputItem]:
    """The output items of the row's texts, as `finish` would store them."""
    state = ResponseState.fold(opening(response_object(row)))
    append(state, parts_of(row.output, row.reasoning))
    ending = Ending("completed", 0) if row.status == Status.COMPLETED else Ending("failed", 0, "worker_lost")
    return final_object(state, ending)["output"]


async def on_rows(work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Do the work in a thread that keeps no connection."""
    done: T = await database_sync_to_async(work, thread_sensitive=False)(*args, **kwargs)
    return done


async def saved(response_id: object) -> Response:
    """The row as it is now."""
    return await on_rows(Response.objects.get, pk=response_id)


async def counted() -> tuple[int, int]:
    """How many conversations and responses there are."""
    return await on_rows(Conversation.objects.count), await on_rows(Response.objects.count)

"""Rows for tests, and queries of them from inside an event loop."""

from collections.abc import Callable
from typing import Any, TypeVar

from channels.db import database_sync_to_async
from django.contrib.auth.models import User

from chat.models import Conversation, Response

T = TypeVar("T")


def stored(owner: User, text: str = "How deep is it?", **fields: Any) -> Response:
    """A response that asks `text`. It is queued, for the demo, and alone in its conversation by default."""
    if "conversation" not in fields:
        fields["conversation"] = Conversation.objects.create(owner=owner)
    asked = {"model": "demo-count", "input": [{"role": "user", "content": text}], "asked": text}
    return Response.objects.create(owner=owner, **(asked | fields))


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

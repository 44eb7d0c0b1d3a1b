"""Channel-layer notifications to readers, users' sockets and workers. Never the truth."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer

from chat.transport.channel_layer import LayerError
from chat.transport.event_log import Batch

logger = logging.getLogger(__name__)

WORKERS = "workers"  # joined by every worker process
NOTIFY_SECS = 2  # then it is dropped: readers check the log regularly

Message = dict[str, Any]


def group(response_id: str) -> str:
    """The group of a response's subscribers."""
    return f"response.{response_id}"


def events_message(response_id: str, first: int, events: Sequence[str]) -> Message:
    """Encoded events, numbered from `first`."""
    return {"type": "response.events", "response_id": response_id, "first": first, "events": list(events)}


def owner_group(owner_id: int) -> str:
    """The group of a user's sockets."""
    return f"owner.{owner_id}"


def owner_message(frame: str) -> Message:
    """An encoded frame about a conversation."""
    return {"type": "conversation.changed", "frame": frame}


def readers_group(conversation_id: UUID) -> str:
    """The group of the sockets that read a conversation by its link."""
    return f"readers.{conversation_id.hex}"


def changed_message() -> Message:
    """The conversation that a link shows has changed."""
    return {"type": "shared.changed"}


def recheck_message() -> Message:
    """Check the session."""
    return {"type": "session.recheck"}


def cancel_message(response_id: str) -> Message:
    """Cancel a response's attempt."""
    return {"type": "response.cancel", "response_id": response_id}


async def notify_readers(batches: Iterable[Batch]) -> None:
    """Send logged events to their subscribers."""
    await _send((group(b.response_id), events_message(b.response_id, b.first, b.events)) for b in batches)


async def notify_owner(owner_id: int, frame: str, conversation_id: UUID | None = None) -> None:
    """Send a frame to a user's sockets; make readers of the conversation's link fetch it."""
    messages = [(owner_group(owner_id), owner_message(frame))]
    if conversation_id is not None:
        messages.append((readers_group(conversation_id), changed_message()))
    await _send(messages)


async def notify_readers_to_recheck(conversation_id: UUID) -> None:
    """Make the readers of a link check that it still gives access."""
    await _send([(readers_group(conversation_id), recheck_message())])


async def notify_owner_to_recheck(owner_id: int) -> None:
    """Make a user's sockets check their sessions."""
    await _send([(owner_group(owner_id), recheck_message())])


async def notify_workers_to_cancel(response_id: str) -> None:
    """Notify all workers."""
    await _send([(WORKERS, cancel_message(response_id))])


async def _send(messages: Iterable[tuple[str, Message]]) -> None:
    layer = get_channel_layer()
    try:
        async with asyncio.timeout(NOTIFY_SECS):
            await asyncio.gather(*(layer.group_send(to, message) for to, message in messages))
    except (OSError, TimeoutError, LayerError) as error:
        logger.warning("a notification was lost: %s", type(error).__name__)

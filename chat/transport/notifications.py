"""What goes over the channel layer: hints to readers and owners, orders to workers. Never the truth."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Any

from channels.layers import get_channel_layer

from chat.transport.channel_layer import LayerError
from chat.transport.event_log import Batch

logger = logging.getLogger(__name__)

WORKERS = "workers"  # the group that every worker process joins
NOTIFY_SECS = 2  # a hint that takes longer is given up: readers look at the log by themselves

Message = dict[str, Any]


def group(response_id: str) -> str:
    """The group of everybody who follows a response."""
    return f"response.{response_id}"


def events_message(response_id: str, first: int, events: Sequence[str]) -> Message:
    """The hint that carries encoded events, the first with the sequence number `first`."""
    return {"type": "response.events", "response_id": response_id, "first": first, "events": list(events)}


def owner_group(owner_id: int) -> str:
    """The group of all sockets of an owner."""
    return f"owner.{owner_id}"


def owner_message(frame: str) -> Message:
    """The hint that carries a frame for an owner's sockets, encoded."""
    return {"type": "conversation.changed", "frame": frame}


def recheck_message() -> Message:
    """The hint to look at the session: its user may have signed out."""
    return {"type": "session.recheck"}


def cancel_message(response_id: str) -> Message:
    """The order to stop working on a response."""
    return {"type": "response.cancel", "response_id": response_id}


async def notify_readers(batches: Iterable[Batch]) -> None:
    """Hint at events that are in the log now."""
    await _send((group(b.response_id), events_message(b.response_id, b.first, b.events)) for b in batches)


async def notify_owner(owner_id: int, frame: str) -> None:
    """Hint at something new to all sockets of an owner."""
    await _send([(owner_group(owner_id), owner_message(frame))])


async def notify_owner_to_recheck(owner_id: int) -> None:
    """Let all sockets of an owner look whether their sessions are still theirs."""
    await _send([(owner_group(owner_id), recheck_message())])


async def notify_workers_to_cancel(response_id: str) -> None:
    """Order whichever worker has the response to stop."""
    await _send([(WORKERS, cancel_message(response_id))])


async def _send(messages: Iterable[tuple[str, Message]]) -> None:
    layer = get_channel_layer()
    try:
        async with asyncio.timeout(NOTIFY_SECS):
            await asyncio.gather(*(layer.group_send(to, message) for to, message in messages))
    except (OSError, TimeoutError, LayerError) as error:
        logger.warning("a hint was lost: %s", type(error).__name__)

"""Publishers of tests, and the notifications that they send."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from channels.layers import get_channel_layer

from chat.protocol.events import Snapshot
from chat.protocol.state import ResponseState, Wait
from chat.transport.event_log import Log
from chat.transport.notifications import group
from tests.harness.waiting import deadline
from tests.workers.background import beside
from workers.generation.publisher import Publisher, Stream

WAIT = Wait("rate_limit_exceeded", seconds=4.0, until=104.5)


@asynccontextmanager
async def publishing(log: Log) -> AsyncIterator[Publisher]:
    publisher = Publisher(log)
    async with beside(publisher.run()):
        yield publisher


async def flushed(publisher: Publisher, stream: Stream) -> None:
    async with asyncio.timeout(deadline()):
        await publisher.drain(stream)


async def snapshot(log: Log, stream: Stream) -> Snapshot:
    """The content of the log: one that was restored has the text in other pieces."""
    state = await log.state(stream.state.id)
    assert state is not None
    return state.snapshot()


def never() -> None:
    """Fail: the callback of a conflict, in tests without another writer."""
    pytest.fail("a conflict without another writer")


async def listening_to(state: ResponseState) -> str:
    """A channel that receives the notifications of a response."""
    layer = get_channel_layer()
    channel: str = await layer.new_channel()
    await layer.group_add(group(state.id), channel)
    return channel


async def next_notification(channel: str) -> Any:
    async with asyncio.timeout(deadline()):
        return await get_channel_layer().receive(channel)

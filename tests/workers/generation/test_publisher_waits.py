"""The publisher of waits: readers are notified at once that the model is called again later."""

import asyncio

import pytest

from chat.protocol.events import Snapshot, Waiting
from chat.transport import redis_client
from chat.transport.event_log import Batch, Log, key
from tests.harness.waiting import LEAST_SECS, await_until, deadline
from tests.harness.writer import parts_of
from tests.workers.logs import begun, events
from tests.workers.publishing import WAIT, flushed, listening_to, never, next_notification
from workers.generation.publisher import Publisher


@pytest.mark.usefixtures("_long_interval")
async def test_a_wait_is_flushed_at_once_and_ends_with_the_text(log: Log, publisher: Publisher) -> None:
    state = await begun(log)
    response_id, channel, first = state.id, await listening_to(state), state.next
    stream = publisher.open(state, never)
    for number in range(1, 3):  # both within one interval

        async def is_sent(number: int = number) -> bool:
            return [type(event) for event in await events(log, response_id)].count(Waiting) == number

        publisher.write_wait(stream, WAIT)
        await await_until(is_sent, LEAST_SECS, "the wait is in the log")
    read = await log.state(response_id)
    assert read is not None
    assert read.waiting == WAIT
    publisher.write(stream, parts_of("text"))
    await flushed(publisher, stream)
    assert await log.state(response_id) == stream.state
    assert (stream.state.waiting, stream.state.text()) == (None, "text")
    sent = [await next_notification(channel) for _ in range(3)]
    assert [each["first"] for each in sent] == [first, first + 1, first + 2]
    numbers = [entry.sequence_number for entry in await log.read(response_id)]
    assert numbers == list(range(stream.state.next))


async def test_a_wait_that_is_flushed_with_text_comes_before_it(log: Log, publisher: Publisher) -> None:
    state = await begun(log)
    stream = publisher.open(state, never)
    publisher.write(stream, parts_of("text"))
    publisher.write_wait(stream, WAIT)
    await flushed(publisher, stream)
    kinds = [type(event) for event in await events(log, state.id)]
    assert kinds.index(Waiting) == 3
    assert await log.state(state.id) == stream.state


async def test_a_wait_that_comes_during_a_flush_goes_out_with_the_next(
    log: Log, publisher: Publisher
) -> None:
    stream = publisher.open(await begun(log), never)
    for _ in range(50):
        publisher.write_wait(stream, WAIT)
        await log.top(stream.state.id)  # a round trip: a flush is under way
    await flushed(publisher, stream)
    sent = await events(log, stream.state.id)
    assert [type(event) for event in sent].count(Waiting) == 50


async def test_a_log_that_was_lost_during_a_wait_is_restored_with_it(log: Log, publisher: Publisher) -> None:
    state = await begun(log)
    stream = publisher.open(state, never)
    await redis_client.client().delete(key(state.id))
    publisher.write_wait(stream, WAIT)
    await flushed(publisher, stream)
    [snapshot] = await events(log, state.id)
    assert isinstance(snapshot, Snapshot)
    read = await log.state(state.id)
    assert read is not None
    assert read.waiting == WAIT


async def test_a_rejected_wait_is_a_conflict(log: Log, publisher: Publisher) -> None:
    state, conflict = await begun(log), asyncio.Event()
    stream = publisher.open(state, conflict.set)
    await log.append(Batch(state.id, state.next, ["of another writer"]))
    publisher.write_wait(stream, WAIT)
    async with asyncio.timeout(deadline()):
        await conflict.wait()
    assert [entry.event for entry in await log.read(state.id)][-1:] == ["of another writer"]

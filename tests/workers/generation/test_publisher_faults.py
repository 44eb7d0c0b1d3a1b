"""The publisher beside another writer, and on a Valkey that loses logs or replies, or is unavailable."""

import asyncio
from unittest.mock import AsyncMock

import pytest

from chat.protocol.events import Snapshot
from chat.protocol.pieces import CallPart
from chat.transport import notifications, redis_client
from chat.transport.event_log import Append, Batch, Log, LogError, key
from tests.harness.valkey import OwnValkey
from tests.harness.waiting import LEAST_SECS, await_until, deadline
from tests.harness.writer import parts_of
from tests.workers.background import in_time
from tests.workers.logs import begun, deltas, events, text
from tests.workers.publishing import (
    WAIT,
    flushed,
    listening_to,
    never,
    next_notification,
    publishing,
    snapshot,
)
from tests.workers.relay import Relay
from workers.generation.publisher import Publisher

# another writer


async def test_a_conflict_stops_the_stream_and_publishes_nothing_more(log: Log, publisher: Publisher) -> None:
    state = await begun(log)
    response_id, channel = state.id, await listening_to(state)
    conflict = asyncio.Event()
    stream = publisher.open(state, conflict.set)
    theirs = Batch(response_id, state.next, ["of another writer"])
    assert await log.append(theirs) is Append.APPENDED
    publisher.write(stream, parts_of("mine"))
    async with asyncio.timeout(deadline()):
        await conflict.wait()
        await flushed(publisher, stream)  # there is nothing to wait for any more
    assert [entry.event for entry in await log.read(response_id)][-1:] == ["of another writer"]
    await notifications.notify_readers([theirs])
    assert (await next_notification(channel))["events"] == ["of another writer"]


async def test_a_conflict_does_not_delay_the_other_streams(log: Log, publisher: Publisher) -> None:
    conflict = asyncio.Event()
    lost, kept = await begun(log), await begun(log)
    await log.append(Batch(lost.id, lost.next, ["of another writer"]))
    publisher.write(publisher.open(lost, conflict.set), parts_of("mine"))
    stream = publisher.open(kept, never)
    publisher.write(stream, parts_of("mine"))
    await flushed(publisher, stream)
    assert await text(log, kept.id) == "mine"
    assert conflict.is_set()


async def test_a_closed_stream_publishes_nothing_more(log: Log, publisher: Publisher) -> None:
    state = await begun(log)
    stream, other = publisher.open(state, never), publisher.open(await begun(log), never)
    publisher.write(stream, parts_of("too late"))
    publisher.close(stream)
    publisher.write(other, parts_of("a flush"))
    await flushed(publisher, other)
    assert await deltas(log, state.id) == []


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "with another answer"])
async def test_parts_that_make_no_events_end_their_stream_alone(
    log: Log, publisher: Publisher, beside: bool
) -> None:
    failed, lost, kept = asyncio.Event(), await begun(log), await begun(log)
    broken, whole = publisher.open(lost, never, failed.set), publisher.open(kept, never)
    publisher.write(broken, [CallPart(0, "f", "c"), CallPart(5, arguments="of no call")])
    if beside:
        publisher.write(whole, parts_of("all "))
    await flushed(publisher, broken)  # there is nothing to wait for any more
    assert failed.is_set()
    publisher.write(whole, parts_of("of it"))
    await flushed(publisher, whole)
    assert await text(log, kept.id) == ("all of it" if beside else "of it")
    assert (await events(log, lost.id))[-1].type == "response.in_progress", "nothing of the broken parts"


# a Valkey that forgets, loses replies or is unavailable


async def test_a_lost_log_is_restored_with_a_snapshot_and_continues(log: Log, publisher: Publisher) -> None:
    state = await begun(log)
    response_id, channel = state.id, await listening_to(state)
    stream = publisher.open(state, never)
    publisher.write(stream, parts_of("before "))
    await flushed(publisher, stream)
    top = await log.top(response_id)
    assert top is not None
    await redis_client.client().delete(key(response_id))
    publisher.write(stream, parts_of("at the loss "))
    await flushed(publisher, stream)
    [snapshot] = await events(log, response_id)
    assert isinstance(snapshot, Snapshot)
    assert snapshot.sequence_number == top + 1
    assert await text(log, response_id) == "before at the loss "
    publisher.write(stream, parts_of("after"))
    await flushed(publisher, stream)
    assert await text(log, response_id) == "before at the loss after"
    numbers = [entry.sequence_number for entry in await log.read(response_id)]
    assert numbers == [top + 1, top + 2]
    sent = [await next_notification(channel) for _ in range(3)]
    assert [each["first"] for each in sent[1:]] == numbers


async def test_a_log_that_came_back_without_its_latest_events_is_restored(
    log: Log, publisher: Publisher
) -> None:
    state = await begun(log)
    response_id = state.id
    stream = publisher.open(state, never)
    publisher.write(stream, parts_of("one "))
    await flushed(publisher, stream)
    await redis_client.client().copy(key(response_id), "older")
    publisher.write(stream, parts_of("two "))
    await flushed(publisher, stream)
    await redis_client.client().copy("older", key(response_id), replace=True)
    publisher.write(stream, parts_of("three"))
    await flushed(publisher, stream)
    assert await text(log, response_id) == "one two three"
    assert [type(event) for event in await events(log, response_id)].count(Snapshot) == 1


async def test_a_log_that_another_attempt_opened_again_is_a_conflict(log: Log, publisher: Publisher) -> None:
    state, conflict = await begun(log), asyncio.Event()
    await redis_client.client().delete(key(state.id))
    await begun(log, 2, state.base)
    theirs = await log.read(state.id)
    publisher.write(publisher.open(state, conflict.set), parts_of("mine"))
    async with asyncio.timeout(deadline()):
        await conflict.wait()
    assert await log.read(state.id) == theirs


@pytest.mark.usefixtures("_quick_retry")
async def test_a_log_that_cannot_be_restored_now_does_not_hold_up_the_other_streams(
    log: Log, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, kept = [publisher.open(await begun(log), never) for _ in range(2)]
    await redis_client.client().delete(key(lost.state.id))
    with monkeypatch.context() as patch:
        patch.setattr(log, "restore", AsyncMock(side_effect=LogError))
        publisher.write(lost, parts_of("restored later"))
        publisher.write(kept, parts_of("whole"))
        await flushed(publisher, kept)
        assert await log.top(lost.state.id) is None
    await flushed(publisher, lost)
    for stream in (lost, kept):
        assert await log.state(stream.state.id) == stream.state


async def test_a_log_of_another_version_is_a_conflict_and_does_not_hold_up_the_other_streams(
    log: Log, publisher: Publisher
) -> None:
    conflict = asyncio.Event()
    strange, kept = publisher.open(await begun(log), conflict.set), publisher.open(await begun(log), never)
    redis, name = redis_client.client(), key(strange.state.id)
    await redis.delete(name)
    await redis.xadd(name, {"event": '{"type":"tailrace:of_the_future"}'}, id="0-1")
    publisher.write(strange, parts_of("mine"))
    publisher.write(kept, parts_of("whole"))
    await flushed(publisher, kept)
    assert conflict.is_set()
    assert await redis.xlen(name) == 1
    assert await text(log, kept.state.id) == "whole"


@pytest.mark.parametrize("streams", [1, 2], ids=["alone", "with another answer"])
async def test_an_append_whose_reply_was_lost_is_recognised_as_ours(relay: Relay, streams: int) -> None:
    log = Log(redis_client.client())
    async with publishing(log) as publisher:
        opened = [publisher.open(await begun(log), never) for _ in range(streams)]
        for word in ("first", " second", " third"):
            relay.lose_reply_to(word.encode())
            for stream in opened:
                publisher.write(stream, parts_of(word))
            for stream in opened:
                await flushed(publisher, stream)
        assert relay.lost_replies == 3
        for stream in opened:
            assert await deltas(log, stream.state.id) == ["first", " second", " third"]
            assert await log.state(stream.state.id) == stream.state


async def test_a_restored_log_whose_reply_was_lost_is_recognised_as_ours(relay: Relay) -> None:
    log = Log(redis_client.client())
    async with publishing(log) as publisher:
        stream = publisher.open(await begun(log), never)
        response_id = stream.state.id
        await redis_client.client().delete(key(response_id))
        relay.lose_reply_to(b"tailrace:snapshot")
        publisher.write(stream, parts_of("kept"))
        await flushed(publisher, stream)
        assert relay.lost_replies == 1
        publisher.write(stream, parts_of(" whole"))
        await flushed(publisher, stream)
        assert await text(log, response_id) == "kept whole"
        assert await log.top(response_id) == stream.state.next - 1


async def noticed_outage(caplog: pytest.LogCaptureFixture) -> None:
    """Wait until a flush has failed."""
    await await_until(lambda: "the log is unavailable" in caplog.text, LEAST_SECS, "a flush fails")


@pytest.mark.usefixtures("_quick_retry")
async def test_while_valkey_is_unavailable_text_is_kept_and_goes_out_afterwards(
    own_valkey: OwnValkey, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log(redis_client.client())
    async with publishing(log) as publisher:
        stream = publisher.open(await begun(log), never)
        publisher.write(stream, parts_of("before "))
        await flushed(publisher, stream)
        own_valkey.kill()
        publisher.write_wait(stream, WAIT)
        publisher.write(stream, parts_of("while "))
        await noticed_outage(caplog)
        draining = asyncio.create_task(publisher.drain(stream))
        publisher.write(stream, parts_of("it is down"))
        await asyncio.to_thread(own_valkey.start)
        await in_time(draining)
        assert await text(log, stream.state.id) == "before while it is down"
        assert await snapshot(log, stream) == stream.state.snapshot()


@pytest.mark.usefixtures("_quick_retry")
async def test_a_first_text_that_met_no_valkey_goes_out_afterwards_and_leaves_no_connection_open(
    own_valkey: OwnValkey, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log(redis_client.client())
    async with publishing(log) as publisher:
        stream = publisher.open(await begun(log), never)
        own_valkey.kill()
        publisher.write(stream, parts_of("first"))  # several events, so it goes through a script
        await noticed_outage(caplog)
        await asyncio.to_thread(own_valkey.start)
        await flushed(publisher, stream)
        assert await snapshot(log, stream) == stream.state.snapshot()


@pytest.mark.parametrize("answers", [1, 2], ids=["alone", "with another answer"])
@pytest.mark.usefixtures("_quick_retry")
async def test_while_valkey_is_full_text_is_kept_and_goes_out_afterwards(
    own_valkey: OwnValkey, caplog: pytest.LogCaptureFixture, answers: int
) -> None:
    log, redis = Log(redis_client.client()), redis_client.client()
    async with publishing(log) as publisher:
        streams = [publisher.open(await begun(log), never) for _ in range(answers)]
        await redis.config_set("maxmemory", 1)
        for stream in streams:
            publisher.write(stream, parts_of("while "))

        async def is_refused() -> bool:
            return bool((await redis.info("stats"))["total_error_replies"])

        await await_until(is_refused, LEAST_SECS, "Valkey takes nothing")
        for stream in streams:
            publisher.write(stream, parts_of("it is full"))
        await redis.config_set("maxmemory", 0)
        for stream in streams:
            await flushed(publisher, stream)
            assert await text(log, stream.state.id) == "while it is full"
            assert await log.state(stream.state.id) == stream.state

"""The publisher on a real Valkey: all text, once, in order, in few events, whatever Valkey goes through."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import AsyncMock

import pytest
from channels.layers import get_channel_layer
from pytest_django import Settings

from chat.protocol.events import Snapshot, Waiting
from chat.protocol.state import ResponseState, Wait
from chat.transport import notifications, redis_client
from chat.transport.event_log import Append, Batch, Log, LogError, key
from chat.transport.notifications import group
from project.up import ports, valkey
from tests.harness.valkey import OwnValkey, use
from tests.harness.waiting import await_until
from tests.workers.background import beside
from tests.workers.logs import begun, deltas, events, text
from tests.workers.relay import Relay
from workers.generation import flush_schedule
from workers.generation.flush_schedule import MAX_INTERVAL_SECS, MIN_INTERVAL_SECS
from workers.generation.publisher import READ_SECS, Publisher, Stream

WAIT = Wait("rate_limit_exceeded", seconds=4.0, until=104.5)
AT_ONCE_SECS = 2  # far less than the long interval, far more than a round trip


@asynccontextmanager
async def publishing(log: Log) -> AsyncIterator[Publisher]:
    publisher = Publisher(log)
    async with beside(publisher.run()):
        yield publisher


async def flushed(publisher: Publisher, stream: Stream) -> None:
    async with asyncio.timeout(5):
        await publisher.drain(stream)


@pytest.fixture
async def publisher(log: Log) -> AsyncIterator[Publisher]:
    async with publishing(log) as publisher:
        yield publisher


@pytest.fixture
def _long_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text that does not go out at once waits for longer than any test."""
    monkeypatch.setattr(flush_schedule, "MIN_INTERVAL_SECS", 60)
    monkeypatch.setattr(flush_schedule, "MAX_INTERVAL_SECS", 60)


@pytest.fixture
def _quick_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Redis that is unavailable is tried again soon."""
    monkeypatch.setattr(flush_schedule, "RETRY_SECS", 0.05)


def never() -> None:
    """What a publisher calls when it has lost the log, in tests where it must not."""
    pytest.fail("a conflict, though nobody else wrote")


async def listening_to(state: ResponseState) -> str:
    """A channel that receives the notifications of a response."""
    layer = get_channel_layer()
    channel: str = await layer.new_channel()
    await layer.group_add(group(state.id), channel)
    return channel


async def next_notification(channel: str) -> Any:
    async with asyncio.timeout(5):
        return await get_channel_layer().receive(channel)


# when text goes out


@pytest.mark.usefixtures("_long_interval")
async def test_the_first_text_of_each_answer_goes_out_at_once(log: Log, publisher: Publisher) -> None:
    for _ in range(3):  # all within one interval
        state = await begun(log)
        response_id = state.id
        publisher.write(publisher.open(state, never), "first")

        async def is_out(response_id: str = response_id) -> bool:
            return await text(log, response_id) == "first"

        await await_until(is_out, AT_ONCE_SECS, "the first text is in the log")


@pytest.mark.usefixtures("_long_interval")
async def test_later_text_waits_for_the_interval_and_shares_an_event(log: Log, publisher: Publisher) -> None:
    state = await begun(log)
    stream = publisher.open(state, never)
    publisher.write(stream, "first")
    await flushed(publisher, stream)
    for number in range(200):
        publisher.write(stream, f" {number}")
        await log.top(state.id)  # a round trip: time enough for a flush
    await flushed(publisher, stream)
    later = "".join(f" {number}" for number in range(200))
    assert await deltas(log, state.id) == ["first", later]


async def test_there_is_at_most_one_event_for_each_interval(log: Log, publisher: Publisher) -> None:
    state = await begun(log)
    stream = publisher.open(state, never)
    begin = time.monotonic()
    for number in range(200):
        publisher.write(stream, f"{number} ")
        await log.top(state.id)
    intervals = (time.monotonic() - begin) / MIN_INTERVAL_SECS
    await flushed(publisher, stream)
    pieces = await deltas(log, state.id)
    assert len(pieces) <= intervals + 3  # and the first, the last, and one that was due
    assert "".join(pieces) == "".join(f"{number} " for number in range(200))


async def test_the_interval_grows_with_the_streams_up_to_a_bound(log: Log, publisher: Publisher) -> None:
    streams = [publisher.open(await begun(log), never) for _ in range(150)]
    for stream in streams:
        publisher.write(stream, "first")
        await flushed(publisher, stream)
    watched = streams[0]
    begin = time.monotonic()
    for number in range(10):
        publisher.write(watched, f" {number}")

        async def is_out(number: int = number) -> bool:
            return not watched.text

        await await_until(is_out, 5, "the text is taken")
    assert time.monotonic() - begin >= 8 * MAX_INTERVAL_SECS


# what goes out


async def test_the_log_holds_the_exact_text_of_many_answers(log: Log, publisher: Publisher) -> None:
    streams = [publisher.open(await begun(log), never) for _ in range(5)]

    async def speak(speaker: int) -> None:
        for number in range(60):
            reasons = number < 20
            piece = f"{speaker}.{number} 水🌊\n"
            publisher.write(
                streams[speaker], text="" if reasons else piece, reasoning=piece if reasons else ""
            )
            await asyncio.sleep(0.001 * (speaker + 1))  # each at a pace of its own
        await flushed(publisher, streams[speaker])

    await asyncio.gather(*map(speak, range(5)))
    for speaker, stream in enumerate(streams):
        read = await log.state(stream.state.id)
        assert read == stream.state
        said = [f"{speaker}.{number} 水🌊\n" for number in range(60)]
        assert [(item.kind, item.text) for item in stream.state.items] == [
            ("reasoning", "".join(said[:20])),
            ("message", "".join(said[20:])),
        ]


async def test_readers_are_notified_of_what_the_log_holds(log: Log, publisher: Publisher) -> None:
    state = await begun(log)
    channel, first = await listening_to(state), state.next
    stream = publisher.open(state, never)
    for number in range(20):
        publisher.write(stream, f"{number} ")
        await log.top(state.id)
    await flushed(publisher, stream)
    sent: list[str] = []
    while first + len(sent) < state.next:
        notification = await next_notification(channel)
        assert notification["first"] == first + len(sent)
        sent += notification["events"]
    assert sent == [entry.event for entry in await log.read(state.id, after=first - 1)]


@pytest.mark.usefixtures("_long_interval")
async def test_drain_returns_when_all_that_was_written_is_in_the_log(log: Log, publisher: Publisher) -> None:
    state = await begun(log)
    stream = publisher.open(state, never)
    said = ""
    for number in range(10):
        publisher.write(stream, f"{number} ", reasoning="because ")
        said += f"{number} "
        await flushed(publisher, stream)
        assert await text(log, state.id) == said


async def test_drain_of_a_response_without_text_returns(log: Log, publisher: Publisher) -> None:
    stream = publisher.open(await begun(log), never)
    await flushed(publisher, stream)


@pytest.mark.usefixtures("_long_interval")
async def test_two_responses_in_one_flush_are_one_round_trip(relay: Relay) -> None:
    log = Log(redis_client.client())
    async with publishing(log) as publisher:
        streams = [publisher.open(await begun(log), never) for _ in range(2)]
        for stream in streams:
            publisher.write(stream, "first")
            await flushed(publisher, stream)
        before = relay.round_trips
        for stream in streams:
            publisher.write(stream, " second")
        await flushed(publisher, streams[0])
        assert relay.round_trips == before + 1
        for stream in streams:
            assert await text(log, stream.state.id) == "first second"


# the model is asked again later


@pytest.mark.usefixtures("_long_interval")
async def test_a_wait_is_flushed_at_once_and_ends_with_the_text(log: Log, publisher: Publisher) -> None:
    state = await begun(log)
    response_id, channel, first = state.id, await listening_to(state), state.next
    stream = publisher.open(state, never)
    for number in range(1, 3):  # both within one interval

        async def is_sent(number: int = number) -> bool:
            return [type(event) for event in await events(log, response_id)].count(Waiting) == number

        publisher.write_wait(stream, WAIT)
        await await_until(is_sent, AT_ONCE_SECS, "the wait is in the log")
    read = await log.state(response_id)
    assert read is not None
    assert read.waiting == WAIT
    publisher.write(stream, "text")
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
    publisher.write(stream, "text")
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
    async with asyncio.timeout(AT_ONCE_SECS):
        await conflict.wait()
    assert [entry.event for entry in await log.read(state.id)][-1:] == ["of another writer"]


# another writer


async def test_a_conflict_stops_the_stream_and_publishes_nothing_more(log: Log, publisher: Publisher) -> None:
    state = await begun(log)
    response_id, channel = state.id, await listening_to(state)
    conflict = asyncio.Event()
    stream = publisher.open(state, conflict.set)
    theirs = Batch(response_id, state.next, ["of another writer"])
    assert await log.append(theirs) is Append.APPENDED
    publisher.write(stream, "mine")
    async with asyncio.timeout(AT_ONCE_SECS):
        await conflict.wait()
        await flushed(publisher, stream)  # there is nothing to wait for any more
    assert [entry.event for entry in await log.read(response_id)][-1:] == ["of another writer"]
    await notifications.notify_readers([theirs])
    assert (await next_notification(channel))["events"] == ["of another writer"]


async def test_a_conflict_does_not_delay_the_other_streams(log: Log, publisher: Publisher) -> None:
    conflict = asyncio.Event()
    lost, kept = await begun(log), await begun(log)
    await log.append(Batch(lost.id, lost.next, ["of another writer"]))
    publisher.write(publisher.open(lost, conflict.set), "mine")
    stream = publisher.open(kept, never)
    publisher.write(stream, "mine")
    await flushed(publisher, stream)
    assert await text(log, kept.id) == "mine"
    assert conflict.is_set()


async def test_a_closed_stream_publishes_nothing_more(log: Log, publisher: Publisher) -> None:
    state = await begun(log)
    stream, other = publisher.open(state, never), publisher.open(await begun(log), never)
    publisher.write(stream, "too late")
    publisher.close(stream)
    publisher.write(other, "a flush")
    await flushed(publisher, other)
    assert await deltas(log, state.id) == []


# a Valkey that forgets, loses replies or is unavailable


async def test_a_lost_log_is_restored_with_a_snapshot_and_continues(log: Log, publisher: Publisher) -> None:
    state = await begun(log)
    response_id, channel = state.id, await listening_to(state)
    stream = publisher.open(state, never)
    publisher.write(stream, "before ")
    await flushed(publisher, stream)
    top = await log.top(response_id)
    assert top is not None
    await redis_client.client().delete(key(response_id))
    publisher.write(stream, "at the loss ")
    await flushed(publisher, stream)
    [snapshot] = await events(log, response_id)
    assert isinstance(snapshot, Snapshot)
    assert snapshot.sequence_number == top + 1
    assert await text(log, response_id) == "before at the loss "
    publisher.write(stream, "after")
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
    publisher.write(stream, "one ")
    await flushed(publisher, stream)
    await redis_client.client().copy(key(response_id), "older")
    publisher.write(stream, "two ")
    await flushed(publisher, stream)
    await redis_client.client().copy("older", key(response_id), replace=True)
    publisher.write(stream, "three")
    await flushed(publisher, stream)
    assert await text(log, response_id) == "one two three"
    assert [type(event) for event in await events(log, response_id)].count(Snapshot) == 1


async def test_a_log_that_another_attempt_opened_again_is_a_conflict(log: Log, publisher: Publisher) -> None:
    state, conflict = await begun(log), asyncio.Event()
    await redis_client.client().delete(key(state.id))
    await begun(log, 2, state.base)
    theirs = await log.read(state.id)
    publisher.write(publisher.open(state, conflict.set), "mine")
    async with asyncio.timeout(AT_ONCE_SECS):
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
        publisher.write(lost, "restored later")
        publisher.write(kept, "whole")
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
    publisher.write(strange, "mine")
    publisher.write(kept, "whole")
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
                publisher.write(stream, word)
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
        publisher.write(stream, "kept")
        await flushed(publisher, stream)
        assert relay.lost_replies == 1
        publisher.write(stream, " whole")
        await flushed(publisher, stream)
        assert await text(log, response_id) == "kept whole"
        assert await log.top(response_id) == stream.state.next - 1


@pytest.mark.usefixtures("_quick_retry")
async def test_while_valkey_is_unavailable_text_is_kept_and_goes_out_afterwards(
    own_valkey: OwnValkey, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log(redis_client.client())
    async with publishing(log) as publisher:
        stream = publisher.open(await begun(log), never)
        publisher.write(stream, "before ")
        await flushed(publisher, stream)
        own_valkey.kill()
        publisher.write_wait(stream, WAIT)
        publisher.write(stream, "while ")

        async def is_noticed() -> bool:
            return "the log is unavailable" in caplog.text

        await await_until(is_noticed, 10, "the publisher notices that Valkey is unavailable")
        flushing = asyncio.create_task(flushed(publisher, stream))
        publisher.write(stream, "it is away")
        await asyncio.to_thread(own_valkey.start)
        await flushing
        assert await text(log, stream.state.id) == "before while it is away"
        assert await log.state(stream.state.id) == stream.state


@pytest.mark.usefixtures("_quick_retry")
async def test_a_first_text_that_met_no_valkey_goes_out_afterwards_and_leaves_no_connection_open(
    own_valkey: OwnValkey, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log(redis_client.client())
    async with publishing(log) as publisher:
        stream = publisher.open(await begun(log), never)
        own_valkey.kill()
        publisher.write(stream, "first")  # several events, so it goes through a script

        async def is_noticed() -> bool:
            return "the log is unavailable" in caplog.text

        await await_until(is_noticed, 10, "the publisher notices that Valkey is unavailable")
        await asyncio.to_thread(own_valkey.start)
        await flushed(publisher, stream)
        assert await log.state(stream.state.id) == stream.state


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
            publisher.write(stream, "while ")

        async def is_refused() -> bool:
            return bool((await redis.info("stats"))["total_error_replies"])

        await await_until(is_refused, 5, "Valkey takes nothing")
        for stream in streams:
            publisher.write(stream, "it is full")
        await redis.config_set("maxmemory", 0)
        for stream in streams:
            await flushed(publisher, stream)
            assert await text(log, stream.state.id) == "while it is full"
            assert await log.state(stream.state.id) == stream.state


# when what the models say is read


@pytest.mark.usefixtures("_long_interval")
async def test_what_waits_to_be_read_goes_out_with_the_very_next_flush(
    log: Log, publisher: Publisher
) -> None:
    stream = publisher.open(await begun(log), never)
    publisher.write(stream, "first ")
    await flushed(publisher, stream)

    async def read() -> None:
        await publisher.wait_for_flush()
        publisher.write(stream, "read late")

    reading = asyncio.create_task(read())
    for _ in range(10):
        await log.top(stream.state.id)  # a round trip: time enough to read
    assert not stream.has_pending
    publisher.write(publisher.open(await begun(log), never), "another answer's first text makes a flush")
    await reading

    async def is_out() -> bool:
        return await text(log, stream.state.id) == "first read late"

    await await_until(is_out, AT_ONCE_SECS, "it is in the log")


async def test_reading_does_not_wait_for_text(log: Log, publisher: Publisher) -> None:
    stream = publisher.open(await begun(log), never)
    publisher.write(stream, "first")
    await flushed(publisher, stream)
    for _ in range(5):  # nobody writes anything
        async with asyncio.timeout(READ_SECS / 2):
            await publisher.wait_for_flush()


async def test_an_unresponsive_redis_does_not_keep_the_models_waiting(own_valkey: OwnValkey) -> None:
    async with publishing(Log(redis_client.client())) as publisher:
        stream = publisher.open(await begun(Log(redis_client.client())), never)
        own_valkey.freeze()
        publisher.write(stream, "this flush hangs")
        for _ in range(3):
            async with asyncio.timeout(redis_client.ANSWER_SECS / 2):
                await publisher.wait_for_flush()
        assert stream.unsent


async def test_notifications_that_cannot_be_sent_delay_no_text(
    log: Log, publisher: Publisher, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "NOTIFY_SECS", 0.1)
    nowhere = valkey.url(ports.pick_free())
    use(settings, nowhere)
    state = await begun(log)
    stream = publisher.open(state, never)
    for word in ("one ", "two"):
        publisher.write(stream, word)
        await flushed(publisher, stream)
    assert await text(log, state.id) == "one two"
    await get_channel_layer().flush()

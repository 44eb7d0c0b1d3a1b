"""The publisher on a real Valkey: all text, once, in order, in few events."""

import asyncio
import time

import pytest
from channels.layers import get_channel_layer
from pytest_django import Settings

from chat.transport import notifications, redis_client
from chat.transport.event_log import Log
from project.up import ports, valkey
from tests.harness.valkey import OwnValkey, use
from tests.harness.waiting import LEAST_SECS, await_until, deadline
from tests.harness.writer import parts_of
from tests.workers.logs import begun, deltas, text
from tests.workers.publishing import flushed, listening_to, never, next_notification, publishing
from tests.workers.relay import Relay
from workers.generation import publisher as module
from workers.generation.flush_schedule import MAX_INTERVAL_SECS, MIN_INTERVAL_SECS
from workers.generation.publisher import Publisher

# when text goes out


@pytest.mark.usefixtures("_long_interval")
async def test_the_first_text_of_each_answer_goes_out_at_once(log: Log, publisher: Publisher) -> None:
    for _ in range(3):  # all within one interval
        state = await begun(log)
        response_id = state.id
        publisher.write(publisher.open(state, never), parts_of("first"))

        async def is_out(response_id: str = response_id) -> bool:
            return await text(log, response_id) == "first"

        await await_until(is_out, LEAST_SECS, "the first text is in the log")


@pytest.mark.usefixtures("_long_interval")
async def test_later_text_waits_for_the_interval_and_shares_an_event(log: Log, publisher: Publisher) -> None:
    state = await begun(log)
    stream = publisher.open(state, never)
    publisher.write(stream, parts_of("first"))
    await flushed(publisher, stream)
    for number in range(200):
        publisher.write(stream, parts_of(f" {number}"))
        await log.top(state.id)  # a round trip: time enough for a flush
    await flushed(publisher, stream)
    later = "".join(f" {number}" for number in range(200))
    assert await deltas(log, state.id) == ["first", later]


async def test_there_is_at_most_one_event_for_each_interval(log: Log, publisher: Publisher) -> None:
    state = await begun(log)
    stream = publisher.open(state, never)
    begin = time.monotonic()
    for number in range(200):
        publisher.write(stream, parts_of(f"{number} "))
        await log.top(state.id)
    intervals = (time.monotonic() - begin) / MIN_INTERVAL_SECS
    await flushed(publisher, stream)
    pieces = await deltas(log, state.id)
    assert len(pieces) <= intervals + 3  # and the first, the last, and one that was due
    assert "".join(pieces) == "".join(f"{number} " for number in range(200))


@pytest.mark.slow
async def test_the_interval_grows_with_the_streams_up_to_a_bound(log: Log, publisher: Publisher) -> None:
    streams = [publisher.open(await begun(log), never) for _ in range(150)]
    for stream in streams:
        publisher.write(stream, parts_of("first"))
        await flushed(publisher, stream)
    watched = streams[0]
    begin = time.monotonic()
    for number in range(10):
        publisher.write(watched, parts_of(f" {number}"))

        async def is_out(number: int = number) -> bool:
            return not watched.parts

        await await_until(is_out, LEAST_SECS, "the text is taken")
    assert time.monotonic() - begin >= 8 * MAX_INTERVAL_SECS


# flushed events


async def test_the_log_holds_the_exact_text_of_many_answers(log: Log, publisher: Publisher) -> None:
    streams = [publisher.open(await begun(log), never) for _ in range(5)]

    async def speak(speaker: int) -> None:
        for number in range(60):
            reasons = number < 20
            piece = f"{speaker}.{number} 水🌊\n"
            publisher.write(
                streams[speaker], parts_of(text="" if reasons else piece, reasoning=piece if reasons else "")
            )
            await asyncio.sleep(0.001 * (speaker + 1))  # each at a different pace
        await flushed(publisher, streams[speaker])

    await asyncio.gather(*map(speak, range(5)))
    for speaker, stream in enumerate(streams):
        read = await log.state(stream.state.id)
        assert read == stream.state
        said = [f"{speaker}.{number} 水🌊\n" for number in range(60)]
        assert [item.kind for item in stream.state.items] == ["reasoning", "message"]
        assert stream.state.text("reasoning") == "".join(said[:20])
        assert stream.state.text() == "".join(said[20:])


async def test_readers_are_notified_of_what_the_log_holds(log: Log, publisher: Publisher) -> None:
    state = await begun(log)
    channel, first = await listening_to(state), state.next
    stream = publisher.open(state, never)
    for number in range(20):
        publisher.write(stream, parts_of(f"{number} "))
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
        publisher.write(stream, parts_of(f"{number} ", reasoning="because "))
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
            publisher.write(stream, parts_of("first"))
            await flushed(publisher, stream)
        before = relay.round_trips
        for stream in streams:
            publisher.write(stream, parts_of(" second"))
        await flushed(publisher, streams[0])
        assert relay.round_trips == before + 1
        for stream in streams:
            assert await text(log, stream.state.id) == "first second"


# when what the models say is read


@pytest.mark.usefixtures("_long_interval")
async def test_what_waits_to_be_read_goes_out_with_the_very_next_flush(
    log: Log, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_SECS", 600)  # only a flush ends the wait
    stream = publisher.open(await begun(log), never)
    publisher.write(stream, parts_of("first "))
    await flushed(publisher, stream)

    async def read() -> None:
        await publisher.wait_for_flush()
        publisher.write(stream, parts_of("read late"))

    reading = asyncio.create_task(read())
    for _ in range(10):
        await log.top(stream.state.id)  # a round trip: time enough to read
    assert not stream.has_pending
    publisher.write(
        publisher.open(await begun(log), never), parts_of("another answer's first text makes a flush")
    )
    await reading

    async def is_out() -> bool:
        return await text(log, stream.state.id) == "first read late"

    await await_until(is_out, LEAST_SECS, "it is in the log")


async def test_reading_does_not_wait_for_text(
    log: Log, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "READ_SECS", 600)  # only a flush ends the wait
    stream = publisher.open(await begun(log), never)
    publisher.write(stream, parts_of("first"))
    await flushed(publisher, stream)
    for _ in range(5):  # no text is written
        async with asyncio.timeout(deadline()):
            await publisher.wait_for_flush()


@pytest.mark.slow
async def test_an_unresponsive_redis_does_not_keep_the_models_waiting(
    own_valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_client, "ANSWER_SECS", 600)  # the flush hangs
    async with publishing(Log(redis_client.client())) as publisher:
        stream = publisher.open(await begun(Log(redis_client.client())), never)
        own_valkey.freeze()
        publisher.write(stream, parts_of("this flush hangs"))
        for _ in range(3):
            async with asyncio.timeout(deadline()):
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
        publisher.write(stream, parts_of(word))
        await flushed(publisher, stream)
    assert await text(log, state.id) == "one two"
    await get_channel_layer().flush()

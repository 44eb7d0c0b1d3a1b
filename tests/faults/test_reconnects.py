"""Clients reconnect at every event of an answer, and notifications are lost: the text equals the row's."""

import asyncio
import random

from tests.faults.checker import Story, check
from tests.faults.harness import Harness
from tests.faults.load import all_end, load
from tests.faults.proxy import some_and_the_last
from tests.faults.recording_client import Question, RecordingClient
from tests.harness.socket_client import TERMINAL, Event, cookie, visiting
from tests.harness.waiting import patience

EVENTS = 20  # at least; on an idle machine each word is an event
EVERYWHERE = Question("words-60@20")
RANDOM = Question("words-400@100")
RANDOM_CLIENTS = 5
NOTIFIED = Question("words-100@25")
RECONNECTS = 150
NOTIFICATIONS_LOST = 0.1
NOTIFIED_CLIENTS = 8
CHECK_SECS = 6  # the regular check of the log finds a lost last notification


async def rest_after(harness: Harness, session: str, response_id: str, cursor: int) -> list[Event]:
    """Return what a new socket receives that subscribes after this number, to the end."""
    async with visiting(harness.stack.url, session) as visitor:
        command = {"type": "tailrace:subscribe", "response_id": response_id, "starting_after": cursor}
        await visitor.send(command)
        return [event for event in await visitor.until(*TERMINAL) if "sequence_number" in event]


async def test_a_client_may_reconnect_after_every_event_of_an_ended_answer(harness: Harness) -> None:
    session = await cookie(harness.stack.url)
    first = RecordingClient(harness.stack.url, session, EVERYWHERE)
    await first.read()
    whole = [received.event for received in first.received]
    assert len(whole) >= EVENTS
    assert first.response_id is not None
    row = harness.stack.settled(first.response_id)
    for cursor in range(-1, len(whole) - 1):
        rest = await rest_after(harness, session, first.response_id, cursor)
        assert rest == whole[cursor + 1 :]
        assert Story.of(whole[: cursor + 1] + rest).text == row["output"]


async def test_a_client_may_reconnect_after_every_event_of_a_running_answer(harness: Harness) -> None:
    session = await cookie(harness.stack.url)
    first = RecordingClient(harness.stack.url, session, EVERYWHERE)
    reading = asyncio.create_task(first.read())
    subscribers: list[asyncio.Task[list[Event]]] = []
    while first.ended_at is None:
        await asyncio.sleep(0.01)  # so many sockets cannot be opened at once
        if first.response_id is not None and len(subscribers) <= first.last:
            others = rest_after(harness, session, first.response_id, len(subscribers) - 1)
            subscribers.append(asyncio.create_task(others))
    await reading
    whole = [received.event for received in first.received]
    for cursor, rest in enumerate(await asyncio.gather(*subscribers), start=-1):
        assert rest == whole[cursor + 1 :]
    assert not (await asyncio.to_thread(check, harness.stack, [first])).counts


async def test_reconnects_at_random_moments_lose_nothing(harness: Harness) -> None:
    """Some clients, of a fast answer each, drop their sockets all the time."""
    dice, hung_up = random.Random(7), 0
    while hung_up < RECONNECTS:
        async with load(harness, [RANDOM] * RANDOM_CLIENTS, delay_factor=0.02) as clients:
            while not all(client.ended_at for client in clients):
                await asyncio.sleep(dice.random() * 0.03)
                open_now = [w for w in clients if w.is_listening]
                if open_now and hung_up < RECONNECTS:
                    dice.choice(open_now).hang_up()
                    hung_up += 1
            findings = await all_end(harness.stack, clients, 60)
        assert not findings.counts, findings.table()


async def test_lost_notifications_are_replaced_from_the_log(harness: Harness) -> None:
    harness.web_to_redis.lose_notifications(some_and_the_last(NOTIFICATIONS_LOST, seed=7))
    harness.web_to_redis.break_connections()
    try:
        async with load(harness, [NOTIFIED] * NOTIFIED_CLIENTS) as clients:
            findings = await all_end(harness.stack, clients, 30)
    finally:
        harness.web_to_redis.mend()
        harness.web_to_redis.break_connections()
    findings.require(completed=NOTIFIED_CLIENTS)
    lost, seen = harness.web_to_redis.lost_notifications, harness.web_to_redis.seen_notifications
    assert lost > NOTIFIED_CLIENTS + (seen - NOTIFIED_CLIENTS) * NOTIFICATIONS_LOST / 2
    written_at = {request.prompt: request.ended_at for request in harness.stack.upstream.requests()}
    late = [(client.ended_at or 0) - (written_at[client.prompt] or 0) for client in clients]
    assert max(late) < CHECK_SECS * patience()

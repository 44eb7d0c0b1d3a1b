"""The subscriber on a real Valkey: it joins, reads, sends, pauses and leaves as its cursors decide."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.utils import timezone

from chat.models import Response, Status
from chat.protocol.composer import Ending
from chat.protocol.errors import CommandError
from chat.protocol.output import output_text
from chat.responses.ending import end
from chat.responses.representation import response_object
from chat.streaming import cursor, subscriber
from chat.streaming.backpressure import ClientConnection
from chat.streaming.subscriber import Subscriber, Subscription
from chat.transport import redis_client
from chat.transport.event_log import Batch, Entry, Log, LogError, key
from chat.transport.notifications import Message, events_message, notify_readers
from tests.chat.answers import Answer
from tests.chat.rows import on_rows, stored
from tests.harness.waiting import await_until, deadline

pytestmark = pytest.mark.django_db(transaction=True)

Frame = dict[str, Any]
ENOUGH = 10_000  # frames: more than any test sends


async def _unused(_: Any) -> None:
    pytest.fail("the subscriber sends through what it was given")


class Reader:
    """A socket in small: its frames, and the notifications that it gets."""

    def __init__(self, layer: Any, channel: str, log: Log) -> None:
        self.layer, self.channel = layer, channel
        self.texts: list[str] = []
        self.room = ENOUGH
        self.connection = ClientConnection(_unused)
        self.subscriber = Subscriber(channel, self._take, log, self.connection)

    async def _take(self, text: str) -> None:
        self.texts.append(text)
        self.room -= 1
        self.connection.paused = self.room <= 0

    def read(self, room: int = ENOUGH) -> None:
        """Read what came; so many more frames fit then."""
        self.room, self.connection.paused = room, room <= 0
        if not self.connection.paused:
            self.connection.on_resume()

    @property
    def frames(self) -> list[Frame]:
        return [json.loads(text) for text in self.texts]

    @property
    def types(self) -> list[str]:
        return [frame["type"] for frame in self.frames]

    @property
    def numbers(self) -> list[int]:
        """The sequence numbers of the response's own events."""
        return [frame["sequence_number"] for frame in self.frames if frame["type"].startswith("response.")]

    def of(self, kind: str) -> list[Frame]:
        return [frame for frame in self.frames if frame["type"] == f"tailrace:{kind}"]

    async def listen(self) -> None:
        """Take notifications, as the consumer does."""
        while True:
            await self.subscriber.on_notification(await self.layer.receive(self.channel))

    async def until(self, condition: Callable[[], object], what: str) -> None:
        async def met() -> object:
            return condition()

        await await_until(met, 5, what)

    async def until_all_of(self, answer: Answer) -> None:
        """Wait for the last event; each has come once and in order then."""
        await self.until(lambda: answer.state.next - 1 in self.numbers, "the last event")
        assert self.numbers == list(range(answer.state.next))

    async def until_left(self) -> None:
        """Wait until the socket is in no group."""
        await self.until(lambda: not self.layer.groups, "the group is left")


@pytest.fixture
async def reader(layer: Any, log: Log) -> AsyncIterator[Reader]:
    """A reader that listens. Closed, it is in no group any more."""
    reader = Reader(layer, await layer.new_channel(), log)
    listening = asyncio.create_task(reader.listen())
    yield reader
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening
    await reader.subscriber.close()
    assert layer.groups == {}


@pytest.fixture
async def answer(log: Log, response: Response) -> Answer:
    """An answer that has begun: events 0 to 2."""
    return await Answer.begun(log, response)


@pytest.fixture
def ended(owner: User) -> Response:
    """A response whose log is long gone."""
    answer = {"output": "Two metres.", "reasoning": "Deep…"}
    return stored(owner, status=Status.COMPLETED, last_number=41, **answer)


@pytest.fixture(autouse=True)
def _no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriber, "CHECK_SECS", 600)


@pytest.fixture
def checks(_no_checks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check the log all the time."""
    monkeypatch.setattr(subscriber, "CHECK_SECS", 0.02)


def chunks_of(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursor, "CHUNK", count)


def message_of(batch: Batch) -> Message:
    return events_message(batch.response_id, batch.first, batch.events)


async def test_a_reader_gets_the_log_and_then_each_event_unparsed(reader: Reader, answer: Answer) -> None:
    await reader.subscriber.start(answer.id, None)
    assert reader.numbers == [0, 1, 2]
    batch = await answer.add("Two ")
    await notify_readers([batch])  # twice
    await answer.add("lost ", notify=False)
    await answer.add("metres.")
    await answer.close()
    await reader.until_all_of(answer)
    assert reader.texts[3:6] == batch.events
    await reader.until_left()


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_an_event_beside_the_first_read_comes_once(
    reader: Reader, answer: Answer, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    read = reader.subscriber.log.read

    async def beside(*args: Any) -> list[Entry]:
        entries = await read(*args) if moment == "after" else []
        await answer.add("more")
        return entries or await read(*args)

    monkeypatch.setattr(reader.subscriber.log, "read", beside)
    await reader.subscriber.start(answer.id, None)
    await reader.until_all_of(answer)


@pytest.mark.usefixtures("checks")
async def test_checks_replace_lost_notifications_up_to_the_end(reader: Reader, answer: Answer) -> None:
    await reader.subscriber.start(answer.id, None)
    await answer.add("lost", notify=False)
    await reader.until_all_of(answer)
    await reader.until(lambda: len(reader.of("heartbeat")) >= 3, "heartbeats while nothing comes")
    assert reader.frames[-1] == {"type": "tailrace:heartbeat", "response_id": answer.id, "latest": 5}
    await answer.close(notify=False)
    await reader.until_left()
    assert reader.numbers == list(range(answer.state.next))
    assert reader.types[-1] == "response.completed"


async def test_a_reader_that_comes_back_gets_what_it_has_not_seen(reader: Reader, answer: Answer) -> None:
    await answer.add("Two ")
    await reader.subscriber.subscribe(answer.id, 3, None)
    assert reader.types == [
        "response.content_part.added",
        "response.output_text.delta",
        "tailrace:up_to_date",
    ]
    assert reader.frames[-1] == {"type": "tailrace:up_to_date", "response_id": answer.id, "latest": 5}


@pytest.mark.parametrize("after", [None, 999])
async def test_a_late_reader_gets_one_snapshot(reader: Reader, answer: Answer, after: int | None) -> None:
    await answer.add("Two ")
    await answer.add("me")
    await reader.subscriber.subscribe(answer.id, after, None)
    snapshot, up_to_date = reader.frames
    assert (snapshot["type"], snapshot["sequence_number"]) == ("tailrace:snapshot", answer.state.next - 1)
    assert output_text(snapshot["response"]) == "Two me"
    assert up_to_date["latest"] == snapshot["sequence_number"]
    await answer.add("tres.")
    await reader.until(lambda: reader.numbers == [answer.state.next - 1], "the next event")


@pytest.mark.usefixtures("checks")
async def test_without_a_log_a_reader_keeps_what_it_has(reader: Reader, answer: Answer, log: Log) -> None:
    await reader.subscriber.start(answer.id, None)
    await answer.add("Two ")
    await reader.until_all_of(answer)
    await redis_client.client().delete(key(answer.id))
    before = len(reader.texts)
    await reader.until(lambda: len(reader.texts) >= before + 3, "three heartbeats")
    assert reader.of("snapshot") == []
    answer.writer.add("metres.")
    await answer.restore()  # without a notification
    await reader.until(lambda: reader.of("snapshot"), "the snapshot")
    (snapshot,) = reader.of("snapshot")
    assert output_text(snapshot["response"]) == "Two metres."
    assert snapshot["sequence_number"] == reader.numbers[-1] + 1


@pytest.mark.parametrize("after", [None, -1, 7])
async def test_without_a_log_the_row_is_sent(reader: Reader, ended: Response, after: int | None) -> None:
    await reader.subscriber.subscribe(ended.wire_id, after, None)
    snapshot, up_to_date = reader.frames
    assert (snapshot["type"], snapshot["response"]) == ("tailrace:snapshot", response_object(ended))
    assert snapshot["sequence_number"] == up_to_date["latest"] == 41
    await reader.until_left()


@pytest.mark.parametrize("has_seen_it", [False, True])
async def test_an_ended_log_is_read_and_left(reader: Reader, answer: Answer, has_seen_it: bool) -> None:
    await answer.close(notify=False)
    after = answer.state.next - 1 if has_seen_it else -1
    await reader.subscriber.subscribe(answer.id, after, None, row_ended=True)
    assert reader.numbers == list(range(after + 1, answer.state.next))
    assert reader.types[-1] == "tailrace:up_to_date"
    await reader.until_left()


async def test_a_log_that_cannot_be_read_is_not_followed(
    reader: Reader, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "MAX_SUBSCRIPTIONS", 1)
    await redis_client.client().delete(key(answer.id))
    await redis_client.client().set(key(answer.id), "not a log")
    with pytest.raises(LogError):
        await reader.subscriber.subscribe(answer.id, None, None)
    reader.subscriber.require_room()
    assert reader.layer.groups == {}


@pytest.mark.parametrize("again", [False, True])
async def test_a_notification_that_waits_for_the_lock_is_dropped_with_its_subscription(
    reader: Reader, answer: Answer, again: bool
) -> None:
    await reader.subscriber.start(answer.id, None)
    message = events_message(answer.id, 3, ["{}"])
    async with asyncio.TaskGroup() as tasks, reader.subscriber.lock:
        if again:
            tasks.create_task(reader.subscriber.subscribe(answer.id, 3, None))
            await asyncio.sleep(0)  # up to the lock
        tasks.create_task(reader.subscriber.on_notification(message))
        await asyncio.sleep(0)
        if not again:
            await reader.subscriber.unsubscribe(answer.id)
    assert reader.types[3:] == (["tailrace:snapshot", "tailrace:up_to_date"] if again else [])


async def test_a_second_subscription_replaces_the_first(reader: Reader, answer: Answer) -> None:
    await reader.subscriber.start(answer.id, "one")
    assert {frame["stream_id"] for frame in reader.frames} == {"one"}
    await reader.subscriber.subscribe(answer.id, 0, '"two"')
    await answer.close()
    await reader.until(lambda: reader.types[-1] == "response.completed", "the end")
    assert reader.numbers == [0, 1, 2, *range(1, answer.state.next)]
    assert {frame["stream_id"] for frame in reader.frames[3:]} == {'"two"'}


@pytest.mark.usefixtures("checks")
async def test_a_deleted_response_does_not_stop_the_checks_of_the_others(
    reader: Reader, answer: Answer, ended: Response, log: Log
) -> None:
    gone = await Answer.begun(log, ended)
    for followed in (gone, answer):
        await reader.subscriber.start(followed.id, None)
    await redis_client.client().delete(key(gone.id))
    await on_rows(Response.objects.filter(pk=ended.pk).delete)
    await reader.until(lambda: len(reader.layer.groups) == 1, "one group is left")
    await answer.add("found by a check", notify=False)
    await reader.until(lambda: answer.state.next - 1 in reader.numbers, "what a check finds")


async def test_a_socket_follows_so_many_and_no_more(
    reader: Reader, answer: Answer, ended: Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber, "MAX_SUBSCRIPTIONS", 1)
    await reader.subscriber.start(answer.id, None)
    with pytest.raises(CommandError) as refused:
        await reader.subscriber.subscribe(ended.wire_id, None, None)
    assert refused.value.code == "too_many_followed"
    await reader.subscriber.subscribe(answer.id, 2, None)  # the one that it has it may take again
    await reader.subscriber.unsubscribe(answer.id)
    await reader.subscriber.subscribe(ended.wire_id, None, None)
    assert reader.of("snapshot")


@pytest.mark.parametrize("room", [0, 1, 2])
async def test_a_paused_client_gets_nothing_until_it_reads(reader: Reader, answer: Answer, room: int) -> None:
    await reader.subscriber.start(answer.id, None)
    reader.read(room)
    await reader.subscriber.on_notification(
        message_of(await answer.add("Two ", notify=False))  # three events
    )
    await reader.subscriber.on_notification(message_of(await answer.close(notify=False)))
    await reader.subscriber.send_queue_position(answer.id)
    assert len(reader.texts) == 3 + room
    reader.read()
    await reader.until_all_of(answer)


@pytest.mark.usefixtures("checks")
async def test_a_paused_client_gets_no_heartbeat(reader: Reader, answer: Answer) -> None:
    beside = Reader(reader.layer, await reader.layer.new_channel(), reader.subscriber.log)
    await reader.subscriber.start(answer.id, None)
    reader.read(room=0)
    await beside.subscriber.start(answer.id, None)
    await beside.until(lambda: len(beside.of("heartbeat")) >= 3, "three checks")
    await beside.subscriber.close()
    assert reader.of("heartbeat") == []


@pytest.mark.parametrize("chunk", [3, 5])  # of 25 events
@pytest.mark.parametrize("after", [None, -1])
async def test_a_long_log_is_read_in_chunks_and_as_far_as_the_client_reads(
    reader: Reader, answer: Answer, monkeypatch: pytest.MonkeyPatch, chunk: int, after: int | None
) -> None:
    chunks_of(chunk, monkeypatch)
    read = AsyncMock(wraps=reader.subscriber.log.read)
    monkeypatch.setattr(reader.subscriber.log, "read", read)
    for number in range(20):
        await answer.add(f"{number} ", notify=False)
    reader.read(room=0)
    await reader.subscriber.subscribe(answer.id, after, None)
    assert reader.texts == []
    while not reader.of("up_to_date"):
        seen = len(reader.texts)
        reader.read(room=4)
        await reader.until(lambda: reader.connection.paused or reader.of("up_to_date"), "it is full")
        assert len(reader.texts) - seen <= 4
    assert reader.numbers == ([] if after is None else list(range(answer.state.next)))
    assert {call.args[2:] for call in read.call_args_list} == {() if after is None else (chunk,)}
    assert reader.types.index("tailrace:up_to_date") == len(reader.texts) - 1


async def test_a_client_that_acknowledges_is_not_sent_much_more_than_it_has_read(
    reader: Reader, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursor, "ACK_WINDOW", 2)
    await reader.subscriber.start(answer.id, None)
    reader.subscriber.acknowledge(answer.id, 0)
    await reader.subscriber.on_notification(message_of(await answer.add("Two ", notify=False)))
    assert reader.numbers == [0, 1, 2]
    reader.subscriber.acknowledge(answer.id, 2)
    await reader.until_all_of(answer)


@pytest.mark.usefixtures("checks")
async def test_what_redis_could_not_give_when_the_client_read_again_is_found_by_a_check(
    reader: Reader, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[str] = []

    async def unavailable(response_id: str, *_: int) -> list[Entry]:
        failures.append(response_id)
        raise LogError

    reader.read(room=0)
    await reader.subscriber.subscribe(answer.id, 2, None)
    with monkeypatch.context() as broken:
        broken.setattr(reader.subscriber.log, "read", unavailable)
        reader.read()
        await reader.until(lambda: len(failures) >= 3, "two checks failed, too")
    await reader.until(lambda: reader.texts, "a frame")
    assert reader.types == ["tailrace:up_to_date"]


@pytest.fixture
async def without_end(log: Log, answer: Answer, response: Response) -> Answer:
    """An answer whose row has the end and whose log lacks it: Redis is back with older data."""
    await answer.add("Two ", notify=False)
    await redis_client.client().copy(key(answer.id), "older")
    await answer.add("metres.", notify=False)
    await end(log, response.wire_id, Ending("completed", at=5.0))
    await redis_client.client().copy("older", key(answer.id), replace=True)
    return answer


@pytest.mark.parametrize("after", [None, -1, 3, 999])
@pytest.mark.parametrize("chunk", [2, 500])
async def test_an_end_that_redis_lost_is_sent_from_the_row(
    reader: Reader, without_end: Answer, monkeypatch: pytest.MonkeyPatch, after: int | None, chunk: int
) -> None:
    chunks_of(chunk, monkeypatch)
    await reader.subscriber.subscribe(without_end.id, after, None, row_ended=True)
    await reader.until(lambda: reader.of("up_to_date"), "it is up to date")
    *_, snapshot, _ = reader.frames
    assert (snapshot["type"], snapshot["response"]["status"]) == ("tailrace:snapshot", "completed")
    assert output_text(snapshot["response"]) == "Two metres."
    assert snapshot["sequence_number"] >= max(reader.numbers, default=0)
    await reader.until_left()


@pytest.mark.usefixtures("checks")
async def test_an_end_that_redis_lost_is_found_by_idle_checks(reader: Reader, without_end: Answer) -> None:
    await reader.subscriber.start(without_end.id, None)
    await reader.until_left()
    assert output_text(reader.frames[-1]["response"]) == "Two metres."
    assert len(reader.of("heartbeat")) == cursor.IDLE_CHECKS
    assert len(reader.of("snapshot")) == 1


@pytest.fixture
async def waiting(log: Log, response: Response) -> Response:
    """A response that waits for a worker, first in the queue."""
    await log.create(response_object(response))
    return response


async def test_a_changed_queue_position_is_sent(reader: Reader, owner: User, waiting: Response) -> None:
    before = timezone.now() - timedelta(seconds=9)
    ahead = [await on_rows(stored, owner, sent_at=before) for _ in range(2)]
    await reader.subscriber.start(waiting.wire_id, "s")
    await reader.subscriber.send_queue_position(waiting.wire_id, least=1)
    for row in ahead:
        await reader.subscriber.send_queue_position(waiting.wire_id)
        await on_rows(Response.objects.claim, row.wire_id, "w1")
        await reader.subscriber.send_queue_position(waiting.wire_id)
    assert [frame["position"] for frame in reader.of("queue")] == [2, 1, 0]
    last = {"stream_id": "s", "type": "tailrace:queue", "response_id": waiting.wire_id, "position": 0}
    assert reader.frames[-1] == last


@pytest.mark.usefixtures("checks")
async def test_the_first_in_the_queue_hears_so_from_a_check_and_not_at_once(
    reader: Reader, waiting: Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_check, check = asyncio.Event(), Subscription.check

    async def allowed(subscription: Subscription) -> None:
        await may_check.wait()
        await check(subscription)

    monkeypatch.setattr(Subscription, "check", allowed)
    await reader.subscriber.start(waiting.wire_id, None)
    await reader.subscriber.send_queue_position(waiting.wire_id, least=1)
    assert reader.of("queue") == []
    may_check.set()
    await reader.until(lambda: len(reader.of("heartbeat")) >= 3, "three checks")
    assert [frame["position"] for frame in reader.of("queue")] == [0]


async def test_the_database_is_not_asked_for_the_position_of_what_runs_or_is_not_read(
    reader: Reader, answer: Answer, log: Log, ended: Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(subscriber, "position", asked.append)
    await reader.subscriber.start(answer.id, None)
    await reader.subscriber.send_queue_position(answer.id)
    await reader.subscriber.unsubscribe(answer.id)
    await reader.subscriber.send_queue_position(answer.id)
    await log.create(response_object(ended))
    await reader.subscriber.start(ended.wire_id, None)
    reader.read(room=0)
    await reader.subscriber.send_queue_position(ended.wire_id)
    assert asked == []


async def test_a_response_that_starts_while_its_position_is_looked_up_has_none(
    reader: Reader, log: Log, waiting: Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, answer = asyncio.get_running_loop(), await Answer.of(log, waiting.wire_id)

    async def start() -> None:
        await answer.start()
        await reader.until_all_of(answer)

    def slow(response_id: str) -> int:
        asyncio.run_coroutine_threadsafe(start(), loop).result(deadline())
        return 3

    monkeypatch.setattr(subscriber, "position", slow)
    await reader.subscriber.start(answer.id, None)
    await reader.subscriber.send_queue_position(answer.id)
    assert reader.of("queue") == []


async def test_without_the_database_a_queue_position_is_left_out(
    reader: Reader, waiting: Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(response_id: str) -> int:
        raise OperationalError

    monkeypatch.setattr(subscriber, "position", unavailable)
    await reader.subscriber.start(waiting.wire_id, None)
    await reader.subscriber.send_queue_position(waiting.wire_id)
    assert reader.of("queue") == []
